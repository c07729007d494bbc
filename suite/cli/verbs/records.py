"""The verbs that work with MLflow's record."""

import shlex
import signal
from argparse import Namespace

from suite.api import reporting
from suite.cli.verbs.common import opened
from suite.text import plural


def report(args: Namespace) -> int:
    """Write reports/: tables as CSV, pictures, report.md and the one-file page report.html, from MLflow's record.

    --experiment and --since select runs. With --baseline every accuracy is compared with that experiment's.

    python -m suite report
    python -m suite report --experiment lenet cnn --since 7d --baseline lenet
    """
    from suite.reporting.choice import Choice

    terminal, session = opened(args)
    choice = Choice(tuple(dict.fromkeys(args.experiment)), args.since, args.baseline)
    written = reporting.report(session, choice)
    if args.json:
        terminal.json("suite/report/1", written.to_dict())
    else:
        for line in written.sentences:
            terminal.say(line)
        terminal.table("Accuracy", *written.accuracy_table())
        terminal.say(f"Report: {written.page}")
    return 0


def sync(args: Namespace) -> int:
    """Send the finished runs that are missing in MLflow; run and report also do this.

    With --rebuild MLflow's database and artifacts are moved aside, and new ones are written from the run folders.
    With --to everything is sent to another MLflow, and every value there is compared with the present record.

    python -m suite sync
    python -m suite sync --rebuild
    python -m suite sync --to https://mlflow.example.com
    """
    terminal, session = opened(args)
    sent = reporting.sync(session, rebuild=args.rebuild, to=args.to)
    if sent.aside:
        terminal.say(f"What was there is now in {sent.aside}; delete it when you do not miss anything. Models that you "
                     "published are in it: publish them again.")  # fmt: skip
    if args.json:
        compared = {"compared": vars(sent.compared)} if sent.compared else {}
        terminal.json("suite/sync/1", {"sent": sent.runs, "tracking_uri": sent.tracking_uri, **compared})
    else:
        terminal.say(f"{plural(sent.runs, 'run')} sent to {sent.tracking_uri}.")
        if sent.compared:
            terminal.say(sent.compared.sentence())
            terminal.say(f"From now on: export MLFLOW_TRACKING_URI={shlex.quote(sent.tracking_uri)}")
    return 0


def ui(args: Namespace) -> int:
    """Start MLflow's UI, for this machine only, and print links to the runs and to a comparison of the latest ones.

    python -m suite ui
    python -m suite ui --port 5050
    """
    _, session = opened(args)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # under nohup SIGHUP is ignored: keep that
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))  # a closed terminal ends the server too
    return reporting.ui(session, host=args.host, port=args.port, allow_remote=args.allow_remote)
