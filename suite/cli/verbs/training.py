"""The verbs that train."""

from argparse import Namespace

from suite.api import training
from suite.cli.rows import group_rows, summary_row
from suite.cli.verbs.common import changes, opened
from suite.runs.plan import worst


def run(args: Namespace) -> int:
    """Train experiments, several at once; finished runs are skipped, interrupted runs are continued.

    python -m suite run all
    python -m suite run lenet cnn --seeds 5
    python -m suite run lenet --set lr=0.01 batch_size=128 --epochs 2
    python -m suite run all --data digits --json > runs.json
    python -m suite run mlp --seeds 20 --no-report
    """
    terminal, session = opened(args)
    found = training.run(session, args.names, seeds=range(args.seeds), changes=changes(args), report=not args.no_report)
    if args.json:
        terminal.json("suite/run/1", {"runs": found.facts()})
    else:
        columns = ("run", "status", "test accuracy>", "source's figure>", "published>", "images/s>", "weights")
        terminal.table("Runs", columns, [summary_row(item) for item in found.planned])
        if args.markdown:
            heads = ("experiment", "n>", "test accuracy>", "95 % over seeds>", "published>", "difference>")
            terminal.table("Experiments", heads, group_rows(found.planned))
    return found.code


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
