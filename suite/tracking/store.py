"""Opening MLflow's store: ours beneath mlruns/, or the server that MLFLOW_TRACKING_URI names."""

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from suite.disk import crash, files
from suite.disk.home import Home
from suite.errors import MACHINE, SuiteError, machine_error
from suite.tracking.database import relocate, require_whole
from suite.tracking.server import require_answer

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "suite"

# Read by mlflow when it is imported. Its client's own patience with a dead server is four minutes a call.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SQLALCHEMYSTORE_ECHO": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # its errors are raised too: printed as well, they are tracebacks
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
# Asked once: a server that hung may do later what it was asked, and twice if it was asked twice.
_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "4"}


class TrackerAway(Exception):
    """The tracker did not answer; what was to be sent stays in the run folders."""


@dataclass(frozen=True)
class Store:
    """An open store and the MLflow experiment in it that holds our runs."""

    client: "MlflowClient"
    uri: str
    experiment_id: str


def tracking_uri(home: Home) -> str:
    """The address of the record: MLFLOW_TRACKING_URI if set, else SQLite beneath mlruns/."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database(home)}"


def database(home: Home) -> Path:
    """MLflow's own file, where no other store is named."""
    return home.mlruns / "mlflow.db"


def artifacts(home: Home) -> Path:
    """Where artifacts lie, where no other store is named."""
    return home.mlruns / "artifacts"


def configure() -> None:
    """Set MLflow up for this process, which must not have loaded it yet, and for those that it starts."""
    os.environ.update(_SETTINGS)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def open_store(home: Home, asks: Callable[[], None] = lambda: None) -> Store:
    """Open the record, making it where it is missing; `asks` is called before a server is asked for the first time.

    Raises `SuiteError` for a damaged database (2) or a folder that cannot be written (3), and `TrackerAway`.
    """
    configure()
    uri = tracking_uri(home)
    if not uri.startswith("sqlite:///"):
        with answering():
            _load_mlflow()  # that takes seconds, and is no fault of the server's
            require_answer(uri)
            asks()
            return _open(uri, None)
    path = Path(uri.removeprefix("sqlite:///"))
    try:
        files.make_folder(path.parent)
        with FileLock(f"{path}.lock"):  # of eight processes that made a new database together five crashed
            files.remove_leftovers(path.parent)
            with answering():
                require_whole(path)
                if not path.exists():
                    _make(path, artifacts(home).as_uri())
                store = _open(uri, artifacts(home).as_uri())
                if path == database(home):
                    relocate(path, EXPERIMENT, artifacts(home).as_uri())
            return store
    except OSError as error:
        raise machine_error(error, error.filename or path) from error


def _make(path: Path, artifact_location: str) -> None:
    """A new database, whole when it gets its name: one that a crash leaves half made no MLflow can open again."""
    with tempfile.TemporaryDirectory(prefix=".new-", suffix=".tmp", dir=path.parent) as scratch:
        made = Path(scratch, path.name)
        made.touch()  # as the umask says: SQLite itself lets the group of a shared home only read
        _open(f"sqlite:///{made}", artifact_location)
        Path(f"{path}-journal").unlink(missing_ok=True)  # of a database that is gone: SQLite would play it into ours
        crash.at("database:made")
        os.replace(made, path)
        crash.at("database:named")


@contextmanager
def answering() -> Iterator[None]:
    """Whatever MLflow or what lies beneath it raises means that the tracker is away."""
    try:
        yield
    except (SuiteError, TrackerAway):
        raise
    except Exception as error:  # its stores raise their drivers' own exceptions: no narrower class holds them all
        raise TrackerAway(" ".join(str(error).split())[:200] or type(error).__name__) from error


def _load_mlflow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401


def _open(uri: str, artifact_location: str | None) -> Store:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for migrates in ("alembic", "mlflow.store.db.utils"):  # MLflow may be loaded already, with a level of its own
            logging.getLogger(migrates).setLevel(logging.ERROR)
        from mlflow import MlflowClient, MlflowException

        client = MlflowClient(uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            tags = {"mlflow.note.content": _NOTE, "mlflow.experimentKind": "custom_model_development"}
            try:
                return Store(client, uri, client.create_experiment(EXPERIMENT, artifact_location, tags))
            except MlflowException:
                found = client.get_experiment_by_name(EXPERIMENT)  # another home's command was quicker on this server
                if found is None:
                    raise
        return Store(client, uri, found.experiment_id)


def unreachable(uri: str, why: TrackerAway) -> SuiteError:
    """The refusal of a verb that cannot do without the tracker."""
    named = bool(os.environ.get("MLFLOW_TRACKING_URI"))
    remedy = (
        "Start that server, or unset MLFLOW_TRACKING_URI."
        if named
        else "Wait for other commands in this home, look at the variables that begin with MLFLOW, and run it again."
    )
    return SuiteError(f"MLflow at {uri} did not answer: {why}.", remedy, code=MACHINE)


_NOTE = """Runs of the suite. A parent run is one recipe; the runs beneath it are its seeds.

Curves: `train/*` and `val/*` by epoch. Figures: `test/accuracy` is that of all test images,
`test/source_accuracy` that of the images which the source looked at."""
