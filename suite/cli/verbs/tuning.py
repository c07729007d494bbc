"""The verb that tunes."""

from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api.rows import finalists_table
from suite.api.tuning import tune as tune_experiment
from suite.cli.verbs.common import changes, opened
from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.tuning.request import Request

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal


def tune(args: Namespace) -> int:
    """Search the best learning rate and batch size of an experiment, or other fields, on validation images only.

    Then the best settings and the published one are trained again with fresh seeds. Only a winner that is better there
    is evaluated on the test images. The same command continues an interrupted study.

    python -m suite tune lenet
    python -m suite tune lenet --trials 30 --epochs 3 --study quick
    python -m suite tune lenet_gaussian --space lr=0.03..1
    python -m suite tune mlp --objective both --budget steps --save
    """
    terminal, session = opened(args)
    tuned = tune_experiment(
        session,
        args.name,
        _request(args),
        changes=changes(args),
        trials=args.trials,
        fresh_seeds=args.fresh_seeds,
        timeout=args.timeout,
        save=args.save,
        report=not args.no_report,
    )
    _summarise(tuned.facts, terminal)
    if args.save:
        terminal.say(f"Saved: {tuned.saved}" if tuned.saved else "Nothing saved: no setting was shown to be better.")
    return tuned.code


def _request(args: Namespace) -> Request:
    return Request(
        space=_space(args.space),
        budget=args.budget,
        seeds=args.seeds,
        generation=args.generation,
        sampler=args.sampler,
        study_seed=args.study_seed,
        objective=args.objective,
        pruning=not args.no_pruning,
        study=args.study or "",
    )


def _space(given: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in given]
    for word, (_, equals, _) in zip(given, pairs, strict=True):
        if not equals:
            raise SuiteError(f"--space {word}: expected FIELD=RANGE.", "For example --space lr=1e-4..1e-1.")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise SuiteError(f"a field is given twice in {' '.join(given)}.", "Give each field once.")
    return {name: words for name, _, words in pairs}


def _summarise(facts: Record, terminal: "Terminal") -> None:
    from suite.tuning.sentences import counts, sentences

    if terminal.as_json:
        terminal.json(facts)
        return
    terminal.table(*finalists_table(facts))
    for line in sentences(facts):
        terminal.say(line)
    terminal.say(f"{counts(facts['trials'])}.")
