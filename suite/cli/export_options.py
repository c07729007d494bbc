"""The options of the verbs that give a trained network away."""

import argparse
from pathlib import Path

from suite.cli.shared import places
from suite.exporting import FORMATS


def of_export(parser: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    parser.add_argument("run", metavar="RUN", help="a finished run, such as lenet-s0")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0],
                        help="weights with the network's text, a graph of torch, or ONNX (safetensors)")  # fmt: skip
    places(parser)


def of_publish(parser: argparse.ArgumentParser) -> None:
    """Add the options of `publish`."""
    parser.add_argument("run", metavar="RUN", help="a finished run, such as lenet-s0")
    parser.add_argument("--name", default="", metavar="NAME", help="the model's name (the experiment's)")
    parser.add_argument("--alias", default="candidate", metavar="ALIAS", help="what the version is called (candidate)")
    places(parser)
