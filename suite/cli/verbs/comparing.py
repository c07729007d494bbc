"""The verb that compares."""

from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api.comparing import compare as compare_runs
from suite.api.results import Compared
from suite.cli.verbs.common import changes, opened

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal


def compare(args: Namespace) -> int:
    """Compare recipes on the same test images with the same seeds: which is better, how certain, at what cost.

    NAME is an experiment, or the start of a recipe's identity as the report gives it. With --until-decided seeds are
    added as long as nothing is decided, up to --limit: half as many again before each new look. The looks share the
    error of 5 %. With --margin two recipes can be shown to be equivalent: to differ by less than that.

    python -m suite compare lenet lenet_gaussian
    python -m suite compare cnn lenet_avgpool --margin 0.5pt
    python -m suite compare cnn cnn_one_epoch lenet_avgpool
    python -m suite compare cnn cnn_one_epoch --until-decided --limit 12
    """
    terminal, session = opened(args)
    found = compare_runs(
        session, args.names,
        changes=changes(args), until_decided=args.until_decided, limit=args.limit, margin=args.margin,
    )  # fmt: skip
    _tell(found, terminal)
    return 0


def _tell(found: Compared, terminal: "Terminal") -> None:
    from suite.reporting.comparison_tables import comparison_table, cost_table
    from suite.reporting.comparisons import target_of

    cost = cost_table(found.groups, target_of(found.groups))
    if terminal.as_json:
        terminal.json({"comparisons": [one.facts() for one in found.comparisons], "costs": cost.records()})
        return
    for table in (comparison_table(found.comparisons), cost):
        columns = [f"{name}>" if right else name for name, right in zip(table.columns(), table.numeric(), strict=True)]
        terminal.table(table.title, columns, table.cells())
    for one in found.comparisons:
        terminal.say(one.words)
