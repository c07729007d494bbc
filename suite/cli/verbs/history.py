"""The verb that shows verdicts over commits."""

from argparse import Namespace

from suite.cli.verbs.common import opened
from suite.errors import SuiteError


def history(args: Namespace) -> int:
    """Show quality and speed over commits, with the commits at which something changed.

    Every `gate` and `bench` adds its verdict to a file: --history, or the one that SUITE_HISTORY names, or one in the
    home. A change is judged within one kind of processor and one torch; all of them together have a false-alarm rate of
    5 %.

    python -m suite history
    python -m suite history lenet --to page
    python -m suite gate mlp --history history.jsonl
    """
    from suite.api.history import file_of
    from suite.api.history import history as read_history
    from suite.reporting.history import series_table, write_history

    terminal, session = opened(args)
    found = read_history(session, args.names)
    if args.json:
        facts = {"file": str(file_of(session)), "series": [one.facts() for one in found]}
        terminal.json("suite/history/1", facts)
    elif found:
        terminal.table(*series_table(found).shown())
        terminal.conclude([line for one in found for line in one.words] or ["No change is shown."])
    else:
        terminal.say(f"{file_of(session)} has no verdicts yet: gate and bench add to it.")
    if args.to:
        if not found:
            raise SuiteError("--to: there are no verdicts to show.", "gate and bench add to the history.")
        terminal.say(f"Page: {write_history(found, args.to)}")
    return 0
