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
    added as long as no difference is shown, up to --limit: half as many again before each new look. The looks share the
    error of 5 %.

    python -m suite compare lenet lenet_gaussian
    python -m suite compare cnn cnn_one_epoch lenet_avgpool
    python -m suite compare cnn cnn_one_epoch --until-decided --limit 12
    """
    terminal, session = opened(args)
    found = compare_runs(session, args.names, changes=changes(args), until_decided=args.until_decided, limit=args.limit)
    _tell(found, terminal)
    return 0


def _tell(found: Compared, terminal: "Terminal") -> None:
    if terminal.as_json:
        terminal.json(found.to_dict())
        return
    for table in found.tables().values():
        terminal.table(*table.shown())
    for one in found.comparisons:
        terminal.say(one.words)
