"""Whose a record is: homes that share a server may train the same recipe under the same seed, with other numbers.

A record has the tag `suite.home`, the name of the home that made it. Records of older versions have none: each belongs
to the home in whose folder it began.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from suite.disk.documents import RESULT, read_document
from suite.disk.journal import Run
from suite.errors import SuiteError

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

HOME = "suite.home"
BEGUN = "suite.begun"  # when the training began, where its record is older: the run was begun again


def key(run: Run) -> str:
    """What MLflow knows a run by, together with its home."""
    return f"{run.identity}-s{run.seed}"


def folder_name(key: str) -> str:
    """The name of the folder of the run that the store knows by this key; empty for no key of ours."""
    identity, _, seed = key.partition("-")
    return f"{identity[:16]}-{seed}" if seed else ""


def begun(folder: Path) -> int:
    """When the training in a run's folder began, in milliseconds since 1970."""
    return int((folder / "recipe.json").stat().st_mtime * 1000)


def began(found: "MlflowRun") -> int:
    """When the training began that a record is of, in milliseconds since 1970."""
    noted = found.data.tags.get(BEGUN, "")  # on a shared server anyone may have written it
    return int(noted if noted.isdecimal() else found.info.start_time)


def of_home(found: "Iterable[MlflowRun]", home: str) -> "list[MlflowRun]":
    """The records that this home made, and after them those that have no home yet."""
    mine = [one for one in found if one.data.tags.get(HOME, home) == home]
    return sorted(mine, key=lambda one: HOME not in one.data.tags)


def newest_of_seeds(runs: "Iterable[MlflowRun]") -> "list[MlflowRun]":
    """One run for each seed, the last that was begun: what was trained before it lies in no folder any more."""
    return list({run.data.tags["suite.seed"]: run for run in sorted(runs, key=began)}.values())


def is_of(found: "MlflowRun", folder: Path) -> bool:
    """Whether a record of a run's key is of the training in this folder: a folder may be moved away, and trained anew.

    It is if both began at the same moment; a folder that was copied may have lost its times, so the same weights will
    do. A record that nothing was sent to yet can be any training's: a run that ends before its first checkpoint is
    begun again.
    """
    if began(found) == _begun(folder):
        return True
    if "suite.complete" not in found.data.tags:
        return not found.data.metrics
    return bool(_weights(folder) == found.data.tags.get("suite.weights_sha256"))


def _begun(folder: Path) -> int | None:
    try:
        return begun(folder)
    except OSError:
        return None


def _weights(folder: Path) -> str | None:
    """The digest of a finished run's weights, empty where it diverged; None where there is no whole result."""
    try:
        return str(read_document(folder / "result.json", RESULT).get("weights_sha256", ""))
    except SuiteError:
        return None
