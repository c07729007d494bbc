"""The verb that tunes."""

import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli.terminal import Terminal
from suite.cli.verbs.common import chosen, ensure_data, folders
from suite.cli.verbs.training import record_and_report, train
from suite.disk.documents import Record
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.execute.processes import available_cores
from suite.recipe.fields import require_field
from suite.recipe.registry import NAME, Experiment
from suite.recipe.registry import load as load_registry
from suite.recipe.space import Space, read_space, require_recipes
from suite.recipe.trial import Budget, training_images
from suite.runs.plan import exit_code
from suite.runs.worker import warm_up
from suite.tune.rules import Rules

if TYPE_CHECKING:
    from suite.tune.job import Order


def tune(args: Namespace) -> int:
    """Search an experiment's learning rate and batch size, or other fields, on validation images alone.

    Afterwards the best settings and the published one are trained again under fresh seeds; only a winner that is
    better there is shown the test images. The same command goes on where it was broken off.

    python -m suite tune lenet
    python -m suite tune lenet --trials 30 --epochs 3 --study quick
    python -m suite tune lenet_gaussian --space lr=0.03..1
    python -m suite tune mlp --objective both --budget steps --save
    """
    begun = time.monotonic()
    terminal, home, registry = Terminal(as_json=args.json), Home.find(), load_registry(folders(args))
    if args.name == "all":
        raise SuiteError("tune takes one experiment, got 'all'.", "See python -m suite list.")
    [experiment] = chosen(registry, [args.name], args)
    rules = _rules(experiment, args)
    from suite.tracking.publisher import Publisher
    from suite.tune import job, variant  # with them Optuna: a refusal above did not wait for it

    target = variant.variant_path(experiment) if args.save else None
    home.require_writable()
    warm_up()
    data_folders = ensure_data({experiment.recipe.data}, args, terminal)
    order = _order(args, home, begun, data_folders[experiment.recipe.data])
    code = 0
    with job.claimed(home, rules.study):
        with Publisher(home, terminal.warn) as publisher:
            facts, study, seconds = job.work_on(rules, order, terminal, publisher.show)
        best = job.winner(facts, rules)
        if best:
            planned = job.plan_test(best, rules, order)
            recorder = train(planned, home, args, terminal, data_folders)
            code = exit_code(planned, recorder.trouble)
            job.note_test(study, facts, planned)
            facts = job.keep(study, rules, order, job.with_test(seconds, planned))
    if target and best:
        variant.write_variant(target, replace(best, path=target), variant.remark_of(facts))
    _, trouble = record_and_report(home, args, terminal, publisher.away)
    _summarise(facts, terminal)
    if target:
        terminal.say(f"Saved: {target}" if best else "Nothing saved: no setting was shown to be better.")
    return code or (trouble.code if trouble else 0)


def _order(args: Namespace, home: Home, begun: float, data_folder: Path) -> "Order":
    from suite.tune.job import Order

    return Order(
        trials=args.trials,
        fresh=args.fresh_seeds,
        workers=args.workers or available_cores(),
        until=begun + args.timeout if args.timeout else None,
        begun=begun,
        home=home,
        data_folder=data_folder,
        folders=folders(args),
    )


def _rules(experiment: Experiment, args: Namespace) -> Rules:
    """What the study is a function of; raises `SuiteError` (2) for what cannot be searched."""
    words = dict(experiment.recipe.space) if not args.space else _space_words(args.space)
    space = read_space(words)
    require_recipes(space, experiment.recipe)
    images = training_images(experiment.recipe.data)
    largest = max((one.extremes[-1] for one in space.values() if one.field == "batch_size"), default=1)
    if max(largest, experiment.recipe.batch_size) > images:
        raise SuiteError(
            f"batch_size {max(largest, experiment.recipe.batch_size):,} is more than the {images:,} images of "
            f"{experiment.recipe.data} that train a trial.",
            "Give smaller ones with --space batch_size=32,64,128.",
        )
    study = args.study or experiment.name
    if not NAME.fullmatch(study):
        raise SuiteError(
            f"--study: {study!r:.80} cannot name a study.",
            "Use a small letter, then up to 39 small letters, digits and underscores.",
        )
    _require_known_end(experiment, space, args.budget)
    amount = {"samples": experiment.recipe.epochs, "seconds": 0.0}.get(args.budget, _updates(experiment))
    return Rules(
        study=study,
        experiment=experiment,
        space=space,
        budget=Budget(args.budget, amount),
        seeds=args.seeds,
        generation=args.generation,
        sampler=args.sampler,
        study_seed=args.study_seed,
        objective=args.objective,
        pruning=not args.no_pruning and args.objective != "both",
    )


def _require_known_end(experiment: Experiment, space: Space, budget: str) -> None:
    """Refuse a schedule whose last step nobody knows beforehand."""
    schedules = space["schedule"].extremes if "schedule" in space else (experiment.recipe.schedule,)
    if budget == "seconds" and set(schedules) != {"constant"}:
        raise SuiteError(
            f"--budget seconds: {experiment.name}'s schedule {' or '.join(schedules)} ends with a step, not a second.",
            "Choose --budget samples or steps.",
        )


def _updates(experiment: Experiment) -> int:
    """How many updates the published setting makes on the images that train a trial."""
    batches = -(-training_images(experiment.recipe.data) // experiment.recipe.batch_size)
    return experiment.recipe.epochs * batches


def _space_words(given: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in given]
    for word, (name, equals, _) in zip(given, pairs, strict=True):
        if not equals:
            raise SuiteError(f"--space {word}: expected FIELD=RANGE.", "For example --space lr=1e-4..1e-1.")
        require_field(name)
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise SuiteError(f"a field is given twice in {' '.join(given)}.", "Give each field once.")
    return {name: words for name, _, words in pairs}


def _summarise(facts: Record, terminal: Terminal) -> None:
    from suite.tune.sentences import counts, sentences

    if terminal.as_json:
        terminal.json(facts)
        return
    rows = facts["outcome"]["rows"] if facts["outcome"] else []
    columns = ("trial>", "setting", "in the search>", "fresh seeds>", "95 %", "drop>")
    terminal.table("Best settings, by validation accuracy", columns, [_row(row) for row in rows])
    for line in sentences(facts):
        terminal.say(line)
    terminal.say(f"{counts(facts['trials'])}.")


def _row(row: Record) -> list[str]:
    from suite.tune.sentences import interval_words, setting_words

    figures = [f"{row[name]:.4f}" if row[name] is not None else "–" for name in ("search", "mean", "drop")]
    return [
        str(row["trial"]) if row["trial"] is not None else "–",
        setting_words(row),
        *figures[:2],
        interval_words(row["interval"]) or "–",
        figures[2],
    ]
