"""The verbs that give a trained network away."""

import os
import shlex
from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api import exporting
from suite.cli.verbs.common import opened
from suite.text import plural

if TYPE_CHECKING:
    from suite.exporting.reloading import Compared


def export(args: Namespace) -> int:
    """Write a trained network into a folder that other programs can load: bytes in, scores out.

    The folder has the model, config.json, a model card and load.py, which needs nothing of the suite. Before it is
    written, that program scores all test images, and the scores are compared with the run's stored predictions.

    python -m suite export lenet-s0 --to lenet/
    python -m suite export lenet-s0 --to lenet-graph/ --format pt2
    python -m suite export lenet-s0 --to lenet-onnx/ --format onnx --json
    """
    terminal, session = opened(args)
    found = exporting.export(session, args.run, args.to, args.format)
    if args.json:
        terminal.json(found.facts())
        return 0
    terminal.say(_checked(found.checked))
    if found.already:
        terminal.say(f"{found.folder} has this export already; nothing was written.")
    else:
        terminal.say(f"{found.run} is in {found.folder}: {', '.join(found.files)}")
    return 0


def publish(args: Namespace) -> int:
    """Put a trained network into MLflow's registry, as a graph that plain mlflow loads and serves, with an alias.

    The same run never gets a second version of a model; its version gets the alias.

    python -m suite publish lenet-s0
    python -m suite publish lenet-s0 --name fashion --alias champion
    """
    terminal, session = opened(args)
    found = exporting.publish(session, args.run, args.name, args.alias)
    if args.json:
        terminal.json(found.facts())
        return 0
    if found.checked:
        terminal.say(_checked(found.checked))
    how = "was published before" if found.already else "is published"
    terminal.say(f"{found.run} {how}: {found.model}, version {found.version}, alias {found.alias}.")
    where = "" if os.environ.get("MLFLOW_TRACKING_URI") else f"MLFLOW_TRACKING_URI={shlex.quote(found.tracking_uri)} "
    terminal.say(f"Serve it: {where}mlflow models serve -m {found.uri} --env-manager local")
    return 0


def _checked(found: "Compared") -> str:
    """What the check has found, in words."""
    return (
        f"Loaded again without the suite and compared on all {found.images:,} test images: largest difference of a "
        f"confidence {found.largest:.2g}; {plural(found.flipped, 'image')} flipped to another class."
    )
