"""The storage of studies: SQLite below mlruns/, or any database that SUITE_STUDY_STORAGE names."""

import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from suite.disk import crash, files
from suite.disk.home import Home
from suite.disk.sqlite import Locked, require_whole
from suite.errors import MACHINE, SuiteError, machine_error, one_line
from suite.masking import harmless, masked
from suite.tuning.patience import AWAY
from suite.tuning.rules import Rules
from suite.tuning.study import Study

if TYPE_CHECKING:
    import optuna

VARIABLE = "SUITE_STUDY_STORAGE"
REBUILD = "Nothing was changed; move it away and run the same command: nothing that was trained is trained again."


@contextmanager
def claimed(home: Home, name: str) -> Iterator[None]:
    """Lock a study for this process; raises `SuiteError` (2) if another process of this home has the lock."""
    try:
        files.make_folder(home.studies)
        lock = FileLock(home.studies / f"{name}.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise SuiteError(
            f"another command works on study {name!r}.", "Wait for its end, or give another name with --study."
        ) from None
    except OSError as error:
        raise machine_error(error, error.filename or home.studies) from error
    try:
        yield
    finally:
        lock.release()


def is_worked_on(home: Home, name: str) -> bool:
    """Whether another command works on a study now."""
    try:
        with claimed(home, name):
            return False
    except SuiteError:
        return True


def open_study(home: Home, rules: Rules) -> Study:
    """The study that the rules name; it is created if it does not exist. The caller has claimed it.

    Raises `SuiteError`: 2 for a damaged database or a study with other rules, 3 for storage that cannot be used.
    """
    import optuna

    directions = ["maximize", "minimize"] if rules.objective == "both" else ["maximize"]
    with storing(), _understood():
        storage = _open(home)
        study = optuna.create_study(
            study_name=rules.study, storage=storage, load_if_exists=True, directions=directions, pruner=_none()
        )
        stored = study.user_attrs.get("rules")
        if stored is None and not study.get_trials(deepcopy=False):
            study.set_user_attr("rules", rules.facts())
        else:
            rules.require_same(stored or {})
        found = Study(study, rules, patience=AWAY if _is_server(os.environ.get(VARIABLE, "")) else 0.0)
        found.trials()
    return found


@contextmanager
def _understood() -> Iterator[None]:
    """Turn errors of Optuna's parsing into `SuiteError` (2): SQLite's own check does not find damage inside a text."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        text = one_line(str(error))
        raise SuiteError(f"studies' storage {_printed()} is damaged: {text:.120}.", REBUILD) from harmless(error)


@contextmanager
def storing() -> Iterator[None]:
    """Turn errors of the database into `SuiteError` (3), which names the storage without its password."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OptunaError, ImportError, Locked) as error:
        text = one_line(str(error)).partition(" (Background on this error")[0]
        raise SuiteError(
            f"studies' storage {_printed()}: {text:.200}.",
            f"See that this database can be reached and written, or unset {VARIABLE}.",
            code=MACHINE,
        ) from harmless(error)


def _open(home: Home) -> "optuna.storages.RDBStorage":
    url = os.environ.get(VARIABLE, "")
    if url:
        return _storage(url)
    path = home.studies / "studies.db"
    with FileLock(f"{path}.lock"):
        files.remove_leftovers(path.parent)
        require_whole(path, REBUILD)
        if not path.exists():
            _make(path)
        return _storage(f"sqlite:///{path}")


def _make(path: Path) -> None:
    """Make a new database under a temporary name and rename it, so a crash never leaves an incomplete one."""
    with tempfile.TemporaryDirectory(prefix=".new-", suffix=".tmp", dir=path.parent) as scratch:
        made = Path(scratch, path.name)
        made.touch()  # as the umask says: SQLite itself lets the group of a shared home only read
        _storage(f"sqlite:///{made}").engine.dispose()
        Path(f"{path}-journal").unlink(missing_ok=True)  # of a deleted database: SQLite would apply it to ours
        crash.at("studies:made")
        os.replace(made, path)
        crash.at("studies:named")


def _storage(url: str) -> "optuna.storages.RDBStorage":
    import optuna
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A server may have been started again since a connection was used last; one command needs but one.
            pool = {"pool_pre_ping": True, "pool_size": 1, "max_overflow": 2} if _is_server(url) else {}
            return optuna.storages.RDBStorage(url, engine_kwargs=pool)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise SuiteError(
            f"{VARIABLE}: {_printed()} is not a usable database: {one_line(str(error)):.120}.",
            "Give an address such as postgresql+psycopg2://user@host/studies.",
        ) from harmless(error)


def _is_server(url: str) -> bool:
    return bool(url) and not url.startswith("sqlite")


def _printed() -> str:
    """The storage's address without its password, for messages."""
    return masked(os.environ.get(VARIABLE, "")) or "mlruns/studies/studies.db"


def _none() -> "optuna.pruners.BasePruner":
    """No pruner of Optuna's, because we prune ourselves: trials of a generation are compared at the same rung."""
    import optuna

    return optuna.pruners.NopPruner()
