"""The verb that measures speed."""

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from suite.api import benching
from suite.api.rows import speed_gate_table, speed_tables
from suite.api.session import Session
from suite.cli.verbs.common import changes, opened
from suite.disk.references import exit_code
from suite.errors import INCONCLUSIVE, SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.plan import worst

if TYPE_CHECKING:
    from suite.benching.throughput import Throughput
    from suite.cli.terminal import Terminal


def bench(args: Namespace) -> int:
    """Measure the speed of training and inference, compared with references, and judge whether it got worse.

    Without options: images per second, compared with a bare loop, a tutorial's loop and Lightning. With --check: is the
    ratio to the bare loop still the committed one? With --against or --against-env: is a step slower than in another
    revision, or with another interpreter's packages? The exit codes are 0 for PASS, 1 for FAIL and 4 for INCONCLUSIVE.
    Several experiments are one check, and share its false alarms. With --margin it is also said whether a step is
    equivalent, better, worse, or what is ruled out. Measure while nothing else runs.

    python -m suite bench lenet
    python -m suite bench --check
    python -m suite bench all --against main --limit 1.1
    python -m suite bench mlp --against-env ../old/bin/python
    """
    terminal, session = opened(args)
    experiments = session.chosen(args.names or ["all"], changes(args))
    _require_one_question(args)
    if args.update:
        return _update(experiments, args, terminal, session)
    if args.check or args.against or args.against_env:
        return _gate(experiments, args, terminal, session)
    return _throughput(experiments, args, terminal, session)


def _every(names: Sequence[str]) -> bool:
    return not names or "all" in names


def _require_one_question(args: Namespace) -> None:
    asked = [name for name in ("check", "update", "against", "against_env") if getattr(args, name)]
    if len(asked) > 1:
        words = " and ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise SuiteError(f"{words}: one question at a time.", "Give one of them.")
    if args.margin and not {*asked} & {"check", "against", "against_env"}:
        raise SuiteError("--margin: says which difference from another side matters.", "Give --check or --against too.")


def _throughput(experiments: Sequence[Experiment], args: Namespace, terminal: "Terminal", session: Session) -> int:
    found = []
    for one in benching.measure(session, experiments, seconds=args.seconds):
        found.append(one)
        terminal.say(_line(one))
    terminal.say(f"On this kind of processor: {benching.kind()}.")
    if args.json:
        terminal.json("suite/bench/1", {"measured": [one.facts() for one in found]})
    else:
        for table in speed_tables(found):
            terminal.table(*table)
    benching.keep(session, found)
    return session.code


def _gate(experiments: Sequence[Experiment], args: Namespace, terminal: "Terminal", session: Session) -> int:
    words = {"seconds": args.seconds, "limit": args.limit, "margin": args.margin}
    judged = (
        benching.check(session, experiments, baseline=args.baseline, every=_every(args.names), **words)
        if args.check
        else benching.against(session, experiments, revision=args.against, python=args.against_env, **words)
    )
    found = []
    for one in judged:
        found.append(one)
        terminal.say(one.words)
    beside = args.against or args.against_env or "the baseline"
    left = [one.title for one in experiments if one.title not in {each.title for each in found}]
    if len(found) > 1:
        terminal.say(f"One check of {len(found)}: each fails at an error of 2.5 % / {len(found)}.")
    if args.json:
        verdicts = [one.facts() for one in found]
        terminal.json("suite/speed/1", {"beside": beside, "verdicts": verdicts, "not_judged": left})
    else:
        terminal.table(*speed_gate_table(found, beside))
    benching.keep(session, found, beside)
    open_ones = [INCONCLUSIVE] if left and not session.code and not _every(args.names) else []
    return worst([exit_code(one.verdict for one in found), session.code, *open_ones])


def _update(experiments: Sequence[Experiment], args: Namespace, terminal: "Terminal", session: Session) -> int:
    path, found = benching.update_baseline(session, experiments, baseline=args.baseline, seconds=args.seconds)
    if args.json:
        entries = {name: one.facts() for name, one in found.items()}
        terminal.json("suite/baseline/1", {"baseline": str(path), "experiments": entries})
    terminal.say(f"Baseline: {path}. Commit it.")
    return session.code


def _line(one: "Throughput") -> str:
    return f"{one.title}: {one.images_per_second:,.0f} images/s, {one.milliseconds_per_step:.1f} ms a step."
