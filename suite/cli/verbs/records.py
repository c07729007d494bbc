"""The verbs that read and keep the record."""

from argparse import Namespace

from suite.cli.terminal import Terminal
from suite.cli.verbs.common import send
from suite.disk.home import Home
from suite.text import plural


def report(args: Namespace) -> int:
    """Write reports/: tables as CSV, pictures, report.md and the one-file page report.html, from MLflow's record.

    A choice narrows it: --experiment, --since. With --baseline every accuracy stands beside that experiment's.

    python -m suite report
    python -m suite report --experiment lenet cnn --since 7d --baseline lenet
    """
    from suite.report import write_report
    from suite.report.choice import Choice
    from suite.tracking.store import TrackerAway, open_store, tracking_uri, unreachable

    terminal, home = Terminal(as_json=args.json), Home.find()
    try:
        send(home, args, terminal)
        choice = Choice(tuple(dict.fromkeys(args.experiment)), args.since, args.baseline)
        written = write_report(open_store(home), home.reports, choice, home.pictures)
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    if args.json:
        terminal.json({"reports": str(home.reports), "notes": written.sentences, **written.facts()})
    else:
        for line in written.sentences:
            terminal.say(line)
        terminal.table("Accuracy", *written.accuracy_table())
        terminal.say(f"Report: {written.page}")
    return 0


def sync(args: Namespace) -> int:
    """Send MLflow what it lacks of the finished runs; run and report do it by themselves.

    With --rebuild MLflow's database and artifacts are moved aside and written anew from the run folders.

    python -m suite sync
    python -m suite sync --rebuild
    """
    from suite.tracking.store import TrackerAway, tracking_uri, unreachable
    from suite.tracking.sync import set_aside

    terminal, home = Terminal(as_json=args.json), Home.find()
    if args.rebuild and (aside := set_aside(home, terminal.warn)):
        terminal.say(f"What was there is now in {aside}; delete it when you do not miss anything.")
    try:
        sent = send(home, args, terminal)
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    if args.json:
        terminal.json({"sent": sent, "tracking_uri": tracking_uri(home)})
    else:
        terminal.say(f"{plural(sent, 'run')} sent to {tracking_uri(home)}.")
    return 0


def ui(args: Namespace) -> int:
    """Start MLflow's UI on the runs, for this machine only, and print the link that compares the latest of them.

    python -m suite ui
    python -m suite ui --port 5050
    """
    from suite.tracking.ui import require_loopback, serve

    if not args.allow_remote:
        require_loopback(args.host)
    terminal = Terminal()
    return serve(Home.find(), args.host, args.port, terminal.say)
