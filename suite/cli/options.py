"""The options of each verb, with their defaults."""

import argparse
from pathlib import Path

from suite.analysis.intervals import FEWEST
from suite.benching import LIMIT
from suite.cli import shared, types
from suite.recipe.trial import KINDS
from suite.tuning.rules import OBJECTIVES, SAMPLERS


def of_list(parser: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    shared.experiments(parser)
    shared.json(parser)


def of_show(parser: argparse.ArgumentParser) -> None:
    """Add the options of `show`."""
    parser.add_argument("name", metavar="NAME", help="an experiment's name")
    shared.overrides(parser)
    shared.experiments(parser)
    shared.json(parser)


def of_run(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    parser.add_argument("names", metavar="NAME", nargs="+", help="experiments' names, or all")
    parser.add_argument("--seeds", type=types.whole, default=FEWEST, metavar="N",
                        help=f"train with the seeds 0 to N-1 ({FEWEST}, the fewest that give an interval)")  # fmt: skip
    parser.add_argument("--dry", action="store_true", help="train nothing; estimate time and memory")
    parser.add_argument("--at-most", type=types.seconds, metavar="TIME",
                        help="train nothing if it would take longer than 90s, 10m or 2h")  # fmt: skip
    shared.workers(parser)
    shared.engine(parser)
    shared.no_report(parser)
    shared.usual(parser, markdown=True)


def of_tune(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tune`."""
    parser.add_argument("name", metavar="NAME", help="an experiment's name")
    parser.add_argument("--trials", type=types.whole, default=40, metavar="N",
                        help="trials in all, earlier ones too (40)")  # fmt: skip
    parser.add_argument("--seeds", type=types.whole, default=3, metavar="N",
                        help="seeds of a trial that is not pruned (3)")  # fmt: skip
    parser.add_argument("--space", nargs="+", default=[], metavar="FIELD=RANGE",
                        help="what to search, such as lr=1e-4..1e-1 batch_size=32,64,128 (the recipe's)")  # fmt: skip
    parser.add_argument("--sampler", choices=SAMPLERS, default="tpe", help="how trials are chosen (tpe)")
    parser.add_argument("--budget", choices=KINDS, default="samples", help="what every trial may use (samples)")
    parser.add_argument("--objective", choices=OBJECTIVES, default="accuracy", help="what is best (accuracy)")
    parser.add_argument("--no-pruning", action="store_true", help="train every trial with all seeds, to the end")
    parser.add_argument("--generation", type=types.whole, default=8, metavar="N", help="trials that are compared (8)")
    parser.add_argument("--study-seed", type=int, default=0, metavar="N", help="another search of the same space (0)")
    parser.add_argument("--fresh-seeds", type=types.enough, default=6, metavar="N",
                        help=f"seeds that judge the winner, {FEWEST} at least (6)")  # fmt: skip
    parser.add_argument("--timeout", type=types.seconds, metavar="TIME", help="start no more trials after 90s or 2h")
    parser.add_argument("--study", metavar="NAME", help="the study's name (the experiment's)")
    parser.add_argument("--save", action="store_true", help="write a better setting as an experiment, NAME_tuned")
    shared.workers(parser)
    shared.engine(parser)
    shared.no_report(parser)
    shared.usual(parser)


def of_compare(parser: argparse.ArgumentParser) -> None:
    """Add the options of `compare`."""
    parser.add_argument(
        "names", metavar="NAME", nargs="+", help="experiments, starts of recipes' identities, or all; or files"
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="write a page with tables and pictures there")
    parser.add_argument("--until-decided", action="store_true", help="train more seeds while nothing is decided")
    parser.add_argument("--margin", type=types.points, metavar="POINTS",
                        help="a difference too small to matter, such as 0.5pt: equivalent, or not?")  # fmt: skip
    parser.add_argument("--limit", type=types.enough, metavar="N", help="the most seeds of that (12)")
    parser.add_argument("--tuned", action="store_true", help="tune each of them first, all with the same budget")
    parser.add_argument("--trials", type=types.whole, metavar="N", help="of --tuned: trials of each study, in total")
    parser.add_argument("--studies", type=types.whole, metavar="N", help="of --tuned: studies of each experiment (3)")
    parser.add_argument("--seeds", type=types.enough, metavar="N", help="of --tuned: test runs of each winner (3)")
    parser.add_argument("--budget", choices=("samples", "steps"), help="of --tuned: what each trial may spend")
    parser.add_argument("--sampler", choices=("tpe", "random"), help="of --tuned: how trials are drawn (tpe)")
    shared.workers(parser)
    shared.engine(parser)
    shared.usual(parser, markdown=True)


def of_plan(parser: argparse.ArgumentParser) -> None:
    """Add the options of `plan`."""
    parser.add_argument(
        "names", metavar="NAME", nargs="+", help="experiments, starts of recipes' identities; or files of predictions"
    )
    parser.add_argument("--effect", type=types.points, metavar="POINTS", help="the difference to see, such as 0.5pt")
    parser.add_argument("--margin", type=types.points, metavar="POINTS", help="the difference to rule out")
    parser.add_argument("--power", type=types.share, default=0.8, metavar="SHARE",
                        help="how often that shall succeed, if it is so (0.8)")  # fmt: skip
    shared.workers(parser)
    shared.usual(parser)


def of_gate(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gate`."""
    parser.add_argument("names", metavar="NAME", nargs="+", help="experiments' names, or all")
    parser.add_argument("--margin", type=types.share, metavar="SHARE",
                        help="the drop to rule out (twice the reference's spread, 0.01 at least)")  # fmt: skip
    parser.add_argument("--limit", type=types.enough, default=12, metavar="N", help="the most fresh seeds each (12)")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="another reference than the committed one")
    parser.add_argument("--update", action="store_true", help="measure the reference again and write it")
    parser.add_argument("--seeds", type=types.enough, default=10, metavar="N", help="seeds of a new reference (10)")
    shared.history(parser)
    shared.workers(parser)
    shared.engine(parser)
    shared.usual(parser, markdown=True)


def of_bench(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="experiments' names (all)")
    parser.add_argument("--seconds", type=types.seconds, default=30.0, metavar="TIME",
                        help="how long each experiment is measured, without loading (30s)")  # fmt: skip
    parser.add_argument("--check", action="store_true", help="compare the ratio to a bare loop with the committed one")
    parser.add_argument("--update", action="store_true", help="measure that ratio again and write it")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="another baseline than the committed one")
    parser.add_argument("--against", metavar="REVISION", help="compare with the same step in another git revision")
    parser.add_argument("--against-env", metavar="PYTHON", help="compare with the same step in another interpreter")
    parser.add_argument("--limit", type=types.factor, default=LIMIT, metavar="TIMES",
                        help=f"the largest ratio of times that passes ({LIMIT})")  # fmt: skip
    parser.add_argument("--margin", type=types.percent, metavar="PERCENT",
                        help="a difference that does not matter, such as 3%%: is a step equivalent?")  # fmt: skip
    shared.history(parser)
    shared.usual(parser, markdown=True)


def of_verify(parser: argparse.ArgumentParser) -> None:
    """Add the options of `verify`."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="finished runs, or all")
    shared.workers(parser)
    shared.engine(parser)
    shared.places(parser)


def of_new(parser: argparse.ArgumentParser) -> None:
    """Add the options of `new`."""
    parser.add_argument("name", metavar="NAME", help="the new experiment's name, such as my_net")
    parser.add_argument("--from", dest="like", metavar="NAME", help="begin as a copy of this experiment")
    parser.add_argument("--data", metavar="NAME", help="the data set: a name of `suite data`, folder:PATH, npz:FILE, …")
    shared.experiments(parser)
    shared.json(parser)


def of_check(parser: argparse.ArgumentParser) -> None:
    """Add the options of `check`."""
    parser.add_argument("name", metavar="NAME", help="an experiment's name")
    shared.usual(parser)


def of_predict(parser: argparse.ArgumentParser) -> None:
    """Add the options of `predict`."""
    parser.add_argument("run", metavar="RUN", help="a finished run, such as cnn-s0")
    parser.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path,
                        help=".png or .jpg files, or folders of them")  # fmt: skip
    parser.add_argument("--as-is", action="store_true", help="correct nothing: resize only, and say what differs")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw what the network saw")
    shared.places(parser)


def of_gallery(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gallery`."""
    parser.add_argument("run", metavar="RUN", help="a finished run, such as cnn-s0")
    parser.add_argument("--image", type=types.index, default=0, metavar="N", help="the test image to follow (0)")
    parser.add_argument("--to", type=Path, metavar="DIR", help="the pictures' folder (reports/gallery/RUN/)")
    shared.places(parser)


def of_report(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.add_argument("--experiment", nargs="+", default=[], metavar="NAME", help="only runs of these experiments")
    parser.add_argument("--since", type=types.since, metavar="WHEN",
                        help="only runs finished since a date (2026-11-01, UTC), or within 12h, 7d or 2w")  # fmt: skip
    parser.add_argument("--baseline", default="", metavar="NAME", help="show every accuracy's difference from NAME's")
    shared.places(parser)


def of_sync(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sync`."""
    parser.add_argument("--rebuild", action="store_true", help="move MLflow's record aside and write a new one")
    parser.add_argument("--to", default="", metavar="ADDRESS", help="send all to another MLflow, and compare the two")
    shared.data_dir(parser)
    shared.json(parser)


def of_ui(parser: argparse.ArgumentParser) -> None:
    """Add the options of `ui`."""
    parser.add_argument("--port", type=types.whole, default=5000, metavar="N", help="the first port to try (5000)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--allow-remote", action="store_true",
                        help="allow an address that other machines can reach: MLflow asks for no password")  # fmt: skip


def of_data(parser: argparse.ArgumentParser) -> None:
    """Add the options of `data`."""
    parser.add_argument(
        "action", nargs="?", choices=("fetch",), help="prepare the named sets; without it they are listed"
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="sets' names, or all; folder:PATH, npz:FILE, hf:NAME, medmnist:NAME too",
    )
    shared.places(parser)


def of_doctor(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    shared.places(parser)
