"""Our own SQLite file beneath MLflow: whole, unlocked, and naming the artifacts where they are now."""

import sqlite3
from contextlib import closing
from pathlib import Path

from suite import files
from suite.errors import MACHINE, SuiteError, machine_error

PATIENCE = 2.0  # seconds to wait for another program's lock; MLflow itself waits for 20
REBUILD = "Nothing was changed; `python -m suite sync --rebuild` writes a new one from the run folders."
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_ABSOLUTE = {"experiments": "artifact_location", "runs": "artifact_uri", "logged_models": "artifact_location"}


class Locked(Exception):
    """Another program holds the database."""


def require_whole(path: Path) -> None:
    """Refuse a damaged database: MLflow would show a traceback, and make an empty file anew without a word.

    Raises `SuiteError` (2, or 3 where it cannot be read) and `Locked`. A database that does not exist is none.
    """
    try:
        with files.opened(path, 1 << 50) as file:
            sqlite = file.read(16) == b"SQLite format 3\0"
    except FileNotFoundError:
        return
    except files.Unfit as why:
        raise _damaged(path, str(why)) from why
    except OSError as error:
        raise machine_error(error, path) from error
    if not sqlite:
        raise _damaged(path, "it is not an SQLite database")
    try:
        with closing(_connect(path)) as database:
            [(found,), *_] = database.execute("PRAGMA integrity_check(1)")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _refusal(error, path) from error
    if found != "ok":
        raise _damaged(path, str(found))


def relocate(path: Path, experiment: str, artifacts: str) -> None:
    """Let the database name an experiment's artifacts beneath `artifacts`, a URI: MLflow stores where they were made.

    Raises as `require_whole`.
    """
    try:
        with closing(_connect(path)) as database, database:
            query = "SELECT artifact_location FROM experiments WHERE name = ?"
            for (old,) in database.execute(query, (experiment,)).fetchall():
                for table, column in _ABSOLUTE.items() if old != artifacts else ():
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE {column} = ? OR substr({column}, 1, ?) = ? || '/'",
                        (artifacts, len(old) + 1, old, len(old) + 1, old),
                    )
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _refusal(error, path) from error


def _connect(path: Path) -> sqlite3.Connection:
    """For writing too, or a journal that a killed process left could not be rolled back."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE)


def _refusal(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> Exception:
    if isinstance(error, UnicodeDecodeError):  # SQLite itself may name a damaged table by its damaged name
        return _damaged(path, "a name in it is no text")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more than is needed
    if code in _LOCKED:
        return Locked("another program has locked its database")
    if code in _DAMAGED:
        return _damaged(path, str(error))
    return SuiteError(f"{path}: {error}.", "Make it readable and writable, or free some space.", code=MACHINE)


def _damaged(path: Path, how: str) -> SuiteError:
    return SuiteError(f"{path} is damaged: {how}.", REBUILD)
