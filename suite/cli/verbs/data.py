"""The verb that shows and prepares data sets."""

from argparse import Namespace
from collections.abc import Sequence

from suite.api.datasets import Entry
from suite.cli.verbs.common import opened
from suite.errors import SuiteError
from suite.runs.plan import worst


def data(args: Namespace) -> int:
    """List the data sets, or prepare some, so that no network is needed afterwards.

    python -m suite data
    python -m suite data fetch cifar-10 svhn
    python -m suite data fetch all
    python -m suite data fetch "folder:~/flowers?size=32"
    """
    from suite.api import datasets

    terminal, session = opened(args)
    if args.action and not args.names:
        raise SuiteError("data fetch: no set is named.", "Name some, or all: python -m suite data fetch all.")
    entries, errors = datasets.fetch(session, args.names) if args.action else datasets.listed()
    if args.json:
        terminal.json("suite/data/1", {"sets": [entry.facts() for entry in entries]})
    elif entries:
        terminal.table("Data sets", COLUMNS, [_row(entry) for entry in entries])
    for error in errors:
        terminal.warn(str(error))
    if not args.action and not args.json and (mine := datasets.unread()):
        terminal.say(f"Files of your own in datasets/: {', '.join(mine)}")
    return worst([error.code for error in errors])


COLUMNS = ("name", "title", "shape", "classes>", "training>", "test>", "MB>", "licence", "here")


def _row(entry: Entry) -> Sequence[str]:
    found = entry.data
    channels, height, width = found.shape
    return (
        found.name, found.title, f"{height} × {width} {'grey' if channels == 1 else 'colour'}",
        f"{len(found.classes):,}", f"{found.train:,}", f"{found.test:,}", f"{found.stored_bytes / 1e6:,.1f}",
        found.licence or "your own", "yes" if entry.folder else "no",
    )  # fmt: skip
