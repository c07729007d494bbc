"""The verbs that compare, and plan a comparison."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from suite.api.comparing import compare as compare_runs
from suite.api.comparing import write
from suite.api.results import Compared
from suite.cli.verbs.common import changes, opened
from suite.errors import SuiteError

if TYPE_CHECKING:
    from suite.api.session import Session
    from suite.cli.terminal import Terminal
    from suite.reporting.table import Table

SPENDING = ("trials", "studies", "seeds", "budget", "sampler")


def compare(args: Namespace) -> int:
    """Compare recipes on the same test images with the same seeds: which is better, how certain, at what cost.

    NAME is an experiment, or the start of a recipe's identity as the report gives it. With --until-decided seeds are
    added as long as nothing is decided, up to --limit: half as many again before each new look. The looks share the
    error of 5 %. With --margin two recipes can be shown to be equivalent: to differ by less than that.

    With --tuned each experiment is tuned first, by several independent studies under the same budget (docs/tuned.md).

    Files of predictions that other programs have made (.csv, .parquet, .npz) are compared alike (docs/comparing.md).
    With --to a page is written, with every flip: an image that one has right and the other has not.

    python -m suite compare lenet lenet_gaussian
    python -m suite compare cnn lenet_avgpool --margin 0.5pt
    python -m suite compare cnn cnn_one_epoch lenet_avgpool
    python -m suite compare cnn cnn_one_epoch --until-decided --limit 12
    python -m suite compare lenet lenet_gaussian --tuned --trials 20
    python -m suite compare ours.csv theirs.csv --to page
    """
    terminal, session = opened(args)
    if args.tuned or _spending(args):
        return _compare_tuned(args, terminal, session)
    found = compare_runs(
        session, args.names,
        changes=changes(args), until_decided=args.until_decided, limit=args.limit, margin=args.margin,
    )  # fmt: skip
    _tell(found, terminal)
    if args.to:
        terminal.say(f"Page: {write(found, args.to)}")
    return 0


def _spending(args: Namespace) -> dict[str, Any]:
    """The options of --tuned that are given."""
    return {name: value for name in SPENDING if (value := getattr(args, name)) is not None}


def _compare_tuned(args: Namespace, terminal: "Terminal", session: "Session") -> int:
    from suite.api.tuned_comparing import compare_tuned, spending

    others = {"--until-decided": args.until_decided, "--limit": args.limit, "--margin": args.margin}
    if given := [name for name, value in others.items() if value]:
        raise SuiteError(f"{given[0]} and --tuned: each is a comparison of its own.", "Give one of them.")
    if not args.tuned:
        raise SuiteError(f"--{next(iter(_spending(args)))}: is of --tuned.", "Give --tuned too.")
    found = compare_tuned(session, args.names, spending(**_spending(args)), changes(args))
    if args.json:
        terminal.json("suite/tuned/1", found.to_dict())
    else:
        for table in found.tables().values():
            _show(table, terminal)
        terminal.conclude([one.words for one in found.comparisons])
    if args.to:
        terminal.say(f"Page: {found.write(args.to)}")
    return 0


def _tell(found: Compared, terminal: "Terminal") -> None:
    from suite.reporting.predictions import shortened

    if terminal.as_json:
        terminal.json("suite/compare/1", found.to_dict())
        return
    for table in map(shortened, found.tables().values()):
        _show(table, terminal)
    terminal.conclude([one.words for one in found.comparisons])


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
        terminal.json("suite/plan/1", {"plans": [one.facts() for one in found]})
        return 0
    for one in found:
        _show(one.table(), terminal)
        terminal.say(one.words)
    return 0


def _show(table: "Table", terminal: "Terminal") -> None:
    terminal.table(*table.shown())
    if table.note:
        terminal.conclude([table.note])
