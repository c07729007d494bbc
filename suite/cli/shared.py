"""The options that several verbs have."""

import argparse
import os
from pathlib import Path

from suite.api.engines import ENGINES
from suite.cli import types


def usual(parser: argparse.ArgumentParser, *, markdown: bool = False) -> None:
    """Add the options that all verbs that train have."""
    overrides(parser)
    places(parser)
    if markdown:
        tables(parser)


def tables(parser: argparse.ArgumentParser) -> None:
    """Add `--markdown`."""
    parser.add_argument("--markdown", action="store_true", help="GitHub's tables, on stdout and in a job's summary")


def places(parser: argparse.ArgumentParser) -> None:
    """Add the options of all verbs that read data and experiments."""
    data_dir(parser)
    experiments(parser)
    json(parser)


def overrides(parser: argparse.ArgumentParser) -> None:
    """Add the options that change recipe fields."""
    parser.add_argument("--epochs", metavar="N", help="another number of epochs; makes another identity")
    parser.add_argument(
        "--data",
        metavar="NAME",
        help="another data set: a name of `suite data`, folder:PATH, npz:FILE, hf:NAME, medmnist:NAME",
    )
    parser.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE", help="other values of recipe fields")
    parser.add_argument("--portable", action="store_true",
                        help="the same bits on every x86-64 processor with AVX2; makes another identity")  # fmt: skip


def data_dir(parser: argparse.ArgumentParser) -> None:
    """Add --data-dir."""
    folder = os.environ.get("SUITE_DATA")
    parser.add_argument("--data-dir", type=Path, default=Path(folder) if folder else None, metavar="DIR",
                        help="a folder with the data's files, plain or .gz")  # fmt: skip


def own_folders() -> list[Path]:
    """The folders that SUITE_EXPERIMENTS names."""
    return [Path(folder) for folder in os.environ.get("SUITE_EXPERIMENTS", "").split(os.pathsep) if folder]


def experiments(parser: argparse.ArgumentParser) -> None:
    """Add --experiments."""
    parser.add_argument("--experiments", type=Path, action="append", metavar="DIR", default=own_folders(),
                        help="a folder of your own experiments, in addition to ours")  # fmt: skip


def json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, all else on stderr")


def history(parser: argparse.ArgumentParser) -> None:
    """Add --history."""
    parser.add_argument("--history", type=Path, metavar="FILE",
                        help="the file of verdicts (SUITE_HISTORY, or mlruns/history.jsonl)")  # fmt: skip


def workers(parser: argparse.ArgumentParser) -> None:
    """Add --workers."""
    parser.add_argument("--workers", type=types.whole, metavar="N", help="runs side by side (one per core)")


def engine(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose where runs are trained."""
    parser.add_argument("--engine", choices=ENGINES, default="local",
                        help="where runs are trained: here, on a Ray cluster, or by Slurm (local)")  # fmt: skip
    parser.add_argument("--address", metavar="HOST:PORT", help="the Ray cluster's; without it one of this machine")
    parser.add_argument("--allow-unauthenticated", action="store_true", help="join a cluster that asks for no token")
    parser.add_argument("--slurm-options", nargs="+", default=[], metavar="NAME=VALUE",
                        help="sbatch's options, as partition=gpu time=60 (those in SUITE_SLURM_OPTIONS)")  # fmt: skip
    parser.add_argument("--cores-per-run", type=types.whole, metavar="N", help="a cluster's cores for each run (1)")
    parser.add_argument("--memory", metavar="SIZE", help="a cluster's memory for each run, as 2G")
    parser.add_argument("--gpus", type=types.positive, metavar="N", help="a cluster's GPUs for each run: 0.25, or 1")


def no_report(parser: argparse.ArgumentParser) -> None:
    """Add --no-report."""
    parser.add_argument("--no-report", action="store_true", help="train and record, and leave reports/ as it is")
