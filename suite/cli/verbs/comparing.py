"""The verbs that compare, and plan a comparison."""

from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api.comparing import compare as compare_runs
from suite.api.comparing import write
from suite.api.results import Compared
from suite.cli.verbs.common import changes, opened

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal
    from suite.reporting.table import Table


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

    if terminal.as_json:
        terminal.json(found.to_dict())
        return
    for table in map(shortened, found.tables().values()):
        _show(table, terminal)
    for one in found.comparisons:
        terminal.say(one.words)


def plan(args: Namespace) -> int:
    """Say how many seeds a comparison needs to see a difference, or to rule one out, and how long they would train.

    The finished runs of the experiments are the pilot; files of predictions can be one too. Nothing is trained.

    python -m suite plan lenet lenet_gaussian --effect 0.5pt
    python -m suite plan cnn lenet_avgpool --margin 0.3pt --power 0.9
    """
    from suite.api.planning import plan as plan_seeds

    terminal, session = opened(args)
    found = plan_seeds(
        session, args.names, changes=changes(args), effect=args.effect, margin=args.margin, power=args.power
    )
    if args.json:
        terminal.json({"plans": [one.facts() for one in found]})
        return 0
    for one in found:
        _show(one.table(), terminal)
        terminal.say(one.words)
    return 0


def _show(table: "Table", terminal: "Terminal") -> None:
    terminal.table(*table.shown())
    if table.note:
        terminal.say(table.note)
