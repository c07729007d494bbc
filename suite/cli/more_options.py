"""The options of the verbs that keep a record of decisions: `try`, `tries`, `history`."""

import argparse
from pathlib import Path

from suite.cli import shared, types


def of_try(parser: argparse.ArgumentParser) -> None:
    """Add the options of `try`."""
    parser.add_argument("name", metavar="NAME", help="the experiment that is new or changed")
    parser.add_argument("--against", required=True, metavar="BASELINE", help="the experiment to beat")
    parser.add_argument("--keep-if", choices=("better", "not-worse"), default="better",
                        help="what must be shown to keep it (better)")  # fmt: skip
    parser.add_argument("--margin", type=types.points, default=0.005, metavar="POINTS",
                        help="the least improvement worth having, or the largest loss you accept (0.5pt)")  # fmt: skip
    parser.add_argument("--limit", type=types.enough, default=12, metavar="N", help="the most seeds (12)")
    shared.workers(parser)
    shared.engine(parser)
    shared.usual(parser, markdown=True)


def of_tries(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tries`."""
    shared.json(parser)
    shared.tables(parser)


def of_history(parser: argparse.ArgumentParser) -> None:
    """Add the options of `history`."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="experiments' names, as the verdicts have them (all)")
    shared.history(parser)
    parser.add_argument("--to", type=Path, metavar="DIR", help="write a page with tables and pictures there")
    shared.json(parser)
    parser.add_argument("--markdown", action="store_true", help="GitHub's tables, on stdout and in a job's summary")
