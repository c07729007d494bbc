"""MLflow's registry of models: a run has one version of a model, and an alias names the version to use."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from suite.disk.journal import Run
from suite.errors import SuiteError, machine_error
from suite.tracking.store import Store, answering
from suite.tracking.whose import key

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
ALIAS = re.compile(r"(?!v[0-9]+$|latest$)[A-Za-z0-9_-]{1,100}", re.IGNORECASE)  # MLflow keeps the first two for itself
NOTE = "Networks of an experiment, as graphs: bytes (n, channels, height, width) in, scores (n, classes) out."


def require_names(name: str, alias: str) -> None:
    """Raise `SuiteError` (2) unless a model may be called `name`, and a version `alias`."""
    if not NAME.fullmatch(name):
        raise SuiteError(f"--name: {name!r:.80} is no name of a model.", "Use letters, digits, and any of _ . -")
    if not ALIAS.fullmatch(alias):
        raise SuiteError(f"--alias: {alias!r:.80} is no alias.", "Use letters, digits, _ and -; not latest, v1, v2, …")


def version_of(store: Store, name: str, run: Run, weights: str) -> int | None:
    """The version of the model `name` that holds this run's weights, None if there is none. Raises `TrackerAway`."""
    with answering():
        found = store.client.search_model_versions(f"name = '{name}'")
        mine = [one for one in found if one.status == "READY" and _is_of(one, run, weights)]
        return max((int(one.version) for one in mine), default=None)


def _is_of(version: "ModelVersion", run: Run, weights: str) -> bool:
    """Whether a version holds these weights of this run: a run that was trained again may have others."""
    return (version.tags.get("suite.run"), version.tags.get("suite.weights_sha256")) == (key(run), weights)


def register(store: Store, name: str, run: Run, run_id: str, packed: Path, tags: Mapping[str, str]) -> int:
    """Send the model in the folder `packed` as a new version of `name`; returns its number.

    `run_id` is MLflow's of the run. Where two commands register the same run, the second returns the first's version.
    If it is interrupted, no half version stays. Raises `SuiteError` (3) or `TrackerAway`.
    """
    tags = {**tags, "suite.run": key(run)}
    try:
        with FileLock(run.folder / "registry.lock"):
            found = version_of(store, name, run, tags["suite.weights_sha256"])
            return found if found is not None else _register(store, name, run, run_id, packed, tags)
    except OSError as error:
        raise machine_error(error, error.filename or run.folder) from error


def _register(store: Store, name: str, run: Run, run_id: str, packed: Path, tags: Mapping[str, str]) -> int:
    from mlflow.entities import LoggedModelOutput

    with answering():
        client = store.client
        _make(store, name)
        model = client.create_logged_model(store.experiment_id, name=run.name, source_run_id=run_id, tags={**tags})
        try:
            client.log_model_artifacts(model.model_id, str(packed))
            client.finalize_logged_model(model.model_id, "READY")
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
            source = model.artifact_location  # of `models:/…` MLflow asks the store that its own variables name
            return int(client.create_model_version(name, source, run_id, {**tags}, model_id=model.model_id).version)
        except BaseException:  # also Ctrl-C
            client.delete_logged_model(model.model_id)
            raise


def _make(store: Store, name: str) -> None:
    """Make the model `name` where it is missing."""
    from mlflow import MlflowException

    try:
        store.client.create_registered_model(name, description=NOTE)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def name_version(store: Store, name: str, alias: str, version: int) -> None:
    """Let the alias mean this version; before, it may have meant another. Raises `TrackerAway`."""
    with answering():
        store.client.set_registered_model_alias(name, alias, str(version))
