"""The verbs that train."""

from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api import estimating, training
from suite.api.rows import groups_table, runs_table
from suite.cli.verbs.common import changes, opened
from suite.runs.plan import worst
from suite.text import duration

if TYPE_CHECKING:
    from suite.api.estimating import Estimate
    from suite.cli.terminal import Terminal


def run(args: Namespace) -> int:
    """Train experiments, several at once; finished runs are skipped, interrupted runs are continued.

    python -m suite run all
    python -m suite run lenet cnn --seeds 5
    python -m suite run lenet --set lr=0.01 batch_size=128 --epochs 2
    python -m suite run all --data digits --json > runs.json
    python -m suite run mlp --seeds 20 --no-report
    python -m suite run all --seeds 10 --dry
    python -m suite run all --seeds 10 --at-most 2h
    python -m suite run all --seeds 30 --engine ray --address 10.0.0.1:6379
    """
    terminal, session = opened(args)
    if args.dry or args.at_most:
        cost = estimating.estimate(session, args.names, seeds=range(args.seeds), changes=changes(args))
        if args.at_most:
            cost.require(args.at_most)
        if args.dry:
            return _tell(cost, terminal)
    found = training.run(session, args.names, seeds=range(args.seeds), changes=changes(args), report=not args.no_report)
    if args.json:
        terminal.json("suite/run/1", {"runs": found.facts()})
    else:
        terminal.table(*runs_table(found.planned))
        if args.markdown:
            terminal.table(*groups_table(found.planned))
    return found.code


def _tell(found: "Estimate", terminal: "Terminal") -> int:
    if terminal.as_json:
        terminal.json("suite/estimate/1", found.facts())
        return 0
    columns = ("experiment", "to train>", "done>", "one run>", "MiB>", "by")
    rows = [
        (one.experiment, str(one.todo), str(one.done), duration(one.seconds), f"{one.memory_mib:,.0f}", one.by)
        for one in found.costs
    ]
    terminal.table("What it would cost", columns, rows)
    terminal.say(found.words)
    return 0


def verify(args: Namespace) -> int:
    """Train finished runs again from their recorded recipes and report whether every number is the same, bit for bit.

    RUN is a name, the start of a recipe's identity, MLflow's id of a run, a run's folder, or all. The run and its
    record are not changed.

    python -m suite verify lenet-s0
    python -m suite verify all --json
    """
    terminal, session = opened(args)
    verdicts = training.verify(session, args.runs)
    if args.json:
        terminal.json("suite/verify/1", {"verdicts": [verdict.facts() for verdict in verdicts]})
    for verdict in verdicts:
        (terminal.warn if verdict.code else terminal.say)(verdict.line())
    return worst([verdict.code for verdict in verdicts])
