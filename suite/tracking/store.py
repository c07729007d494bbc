"""Opens MLflow's store: our own below mlruns/, or the one that MLFLOW_TRACKING_URI names."""

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
from suite.masking import harmless, masked
from suite.tracking.database import relocate, require_whole
from suite.tracking.server import reason, require_answer

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

EXPERIMENT = "suite"

# mlflow reads these when it is imported. By default its client tries a dead server for four minutes in each call.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SQLALCHEMYSTORE_ECHO": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # its errors are also raised; here it would print their tracebacks too
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
# No retries: a server that hangs may still handle the first request later, and then it would handle two.
DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "4"}


class TrackerAway(Exception):
    """The tracker did not answer. Nothing is lost: the data are still in the run folders."""


@dataclass(frozen=True)
class Store:
    """An open store, the MLflow experiment in it that holds our runs, and the name of the home that opened it."""

    client: "MlflowClient"
    uri: str
    experiment_id: str
    home: str


def tracking_uri(home: Home) -> str:
    """The address of the record: the home's `tracker`, MLFLOW_TRACKING_URI, or the SQLite file below mlruns/."""
    return home.tracker or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database(home)}"


def shown_uri(home: Home) -> str:
    """The address of the record as people may read it, without a password."""
    return masked(tracking_uri(home))


def database(home: Home) -> Path:
    """The path of the SQLite file that is used if no other store is named."""
    return home.mlruns / "mlflow.db"


def artifact_root(home: Home) -> Path:
    """The folder of MLflow's artifacts that is used if no other store is named."""
    return home.mlruns / "artifacts"


def configure() -> None:
    """Configure MLflow for this process and its children. Must be called before MLflow is imported."""
    os.environ.update(SETTINGS)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # where it is loaded already, it reads its variable no more


def open_store(home: Home, asks: Callable[[], None] = lambda: None) -> Store:
    """Open the record; create it if it is missing. `asks` is called before the first request to a server.

    Raises `SuiteError` for a damaged database (2) or a folder that cannot be written (3), and `TrackerAway`.
    """
    configure()
    uri = tracking_uri(home)
    if not uri.startswith("sqlite:///"):
        with answering():
            load_mlflow()  # takes seconds that must not count against the server
            require_answer(uri)
            asks()
            place = artifact_root(home).as_uri() if is_database(uri) else None  # a server has a place of its own
            if place:
                _make_tables(uri, place)
            return _open(uri, place, home.origin())
    path = Path(uri.removeprefix("sqlite:///"))
    try:
        files.make_folder(path.parent)
        with FileLock(f"{path}.lock"):  # without it five of eight processes that created a database crashed
            files.remove_leftovers(path.parent)
            with answering():
                require_whole(path)
                if not path.exists():
                    _make(path, artifact_root(home).as_uri())
                store = _open(uri, artifact_root(home).as_uri(), home.origin())
                if path == database(home):
                    relocate(path, EXPERIMENT, artifact_root(home).as_uri())
            return store
    except OSError as error:
        raise machine_error(error, error.filename or path) from error


def _make(path: Path, artifact_location: str) -> None:
    """Create a database under a temporary name, then rename it: MLflow cannot open a database that is half created."""
    with tempfile.TemporaryDirectory(prefix=".new-", suffix=".tmp", dir=path.parent) as scratch:
        made = Path(scratch, path.name)
        made.touch()  # as the umask says: SQLite itself lets the group of a shared home only read
        _make_tables(f"sqlite:///{made}", artifact_location)
        _open(f"sqlite:///{made}", artifact_location, "")
        Path(f"{path}-journal").unlink(missing_ok=True)  # of a deleted database: SQLite would apply it to ours
        crash.at("database:made")
        os.replace(made, path)
        crash.at("database:named")


def _make_tables(uri: str, root: str) -> None:
    """Make the tables and MLflow's experiment `Default` in a database that is new, with `root`, a URI, for artifacts.

    Otherwise MLflow takes the current folder and puts its path into an SQL statement as it is: with an apostrophe or a
    `:name` in it, the statement fails. A server does this itself.
    """
    with _quiet():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore(uri, root)


def is_database(uri: str) -> bool:
    """Whether MLflow's tables are in a database that this process opens, not behind a server."""
    from mlflow.store.db.db_types import DATABASE_ENGINES

    return uri.partition(":")[0].partition("+")[0] in DATABASE_ENGINES


@contextmanager
def answering() -> Iterator[None]:
    """Turn any error of MLflow or of the libraries that it uses into `TrackerAway`."""
    try:
        yield
    except (SuiteError, TrackerAway):
        raise
    except Exception as error:  # the stores raise exceptions of their drivers: they have no common base class
        raise TrackerAway(reason(error)) from harmless(error)


def load_mlflow() -> None:
    """Load MLflow, which takes seconds; `configure` comes before."""
    with _quiet():
        import mlflow  # noqa: F401


@contextmanager
def _quiet() -> Iterator[None]:
    """Let MLflow be loaded and its database be made without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for migrates in ("alembic", "mlflow.store.db.utils"):  # MLflow may be loaded already, with another level
            logging.getLogger(migrates).setLevel(logging.ERROR)
        yield


def _open(uri: str, artifact_location: str | None, home: str) -> Store:
    with _quiet():
        from mlflow import MlflowClient, MlflowException

        client = MlflowClient(uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            tags = {"mlflow.note.content": _NOTE, "mlflow.experimentKind": "custom_model_development"}
            try:
                return Store(client, uri, client.create_experiment(EXPERIMENT, artifact_location, tags), home)
            except MlflowException:
                found = client.get_experiment_by_name(EXPERIMENT)  # another command created it at the same time
                if found is None:
                    raise
        return Store(client, uri, found.experiment_id, home)


def search(store: Store, query: str, experiment: str = "") -> list["MlflowRun"]:
    """All runs of the suite that match, page by page; of MLflow's experiment of runs, or another one's id."""
    found: list[MlflowRun] = []
    token = None
    while True:
        page = store.client.search_runs([experiment or store.experiment_id], query, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def unreachable(uri: str, why: TrackerAway) -> SuiteError:
    """The error of a verb that needs the tracker."""
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
