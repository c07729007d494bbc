"""The verb that compares."""

from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api.comparing import compare as compare_runs
from suite.api.comparing import write
from suite.api.results import Compared
from suite.cli.verbs.common import changes, opened

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal


def compare(args: Namespace) -> int:
    """Compare recipes on the same test images with the same seeds: which is better, how certain, at what cost.

    NAME is an experiment, or the start of a recipe's identity as the report gives it. With --until-decided seeds are
    added as long as nothing is decided, up to --limit: half as many again before each new look. The looks share the
    error of 5 %. With --margin two recipes can be shown to be equivalent: to differ by less than that.

    Files of predictions that other programs have made (.csv, .parquet, .npz) are compared alike (docs/comparing.md).
    With --to a page is written, with every flip: an image that one has right and the other has not.

    python -m suite compare lenet lenet_gaussian
    python -m suite compare cnn lenet_avgpool --margin 0.5pt
    python -m suite compare cnn cnn_one_epoch lenet_avgpool
    python -m suite compare cnn cnn_one_epoch --until-decided --limit 12
    python -m suite compare ours.csv theirs.csv --to page
    """
    terminal, session = opened(args)
    found = compare_runs(
        session, args.names,
        changes=changes(args), until_decided=args.until_decided, limit=args.limit, margin=args.margin,
    )  # fmt: skip
    _tell(found, terminal)
    if args.to:
        terminal.say(f"Page: {write(found, args.to)}")
    return 0


def _tell(found: Compared, terminal: "Terminal") -> None:
    from suite.reporting.predictions import shortened

    tables = found.tables()
    if terminal.as_json:
        records = {name: table.records() for name, table in tables.items()}
        terminal.json({**records, "comparisons": [one.facts() for one in found.comparisons]})
        return
    for table in map(shortened, tables.values()):
        columns = [f"{name}>" if right else name for name, right in zip(table.columns(), table.numeric(), strict=True)]
        terminal.table(table.title, columns, table.cells())
        if table.note:
            terminal.say(table.note)
    for one in found.comparisons:
        terminal.say(one.words)
