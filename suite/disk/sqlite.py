"""SQLite files of other programs' making: looked through before those programs open them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from suite.disk import files
from suite.errors import MACHINE, SuiteError, machine_error

PATIENCE = 2.0  # seconds to wait for another program's lock; MLflow itself waits for 20
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Locked(Exception):
    """Another program holds the database."""


def require_whole(path: Path, remedy: str) -> None:
    """Refuse a damaged database: its program would show a traceback, and make an empty file anew without a word.

    Raises `SuiteError` (2 with the `remedy`, or 3 where it cannot be read) and `Locked`. What does not exist is whole.
    """
    try:
        with files.opened(path, 1 << 50) as file:
            known = file.read(16) == b"SQLite format 3\0"
    except FileNotFoundError:
        return
    except files.Unfit as why:
        raise _damaged(path, str(why), remedy) from why
    except OSError as error:
        raise machine_error(error, path) from error
    if not known:
        raise _damaged(path, "it is not an SQLite database", remedy)
    try:
        with closing(connect(path)) as database:
            [(found,), *_] = database.execute("PRAGMA integrity_check(1)")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise refusal(error, path, remedy) from error
    if found != "ok":
        raise _damaged(path, str(found), remedy)


def connect(path: Path) -> sqlite3.Connection:
    """For writing too, or a journal that a killed process left could not be rolled back."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE)


def refusal(error: sqlite3.Error | UnicodeDecodeError, path: Path, remedy: str) -> Exception:
    """What SQLite's error means: `Locked`, damage (2) or the machine's fault (3)."""
    if isinstance(error, UnicodeDecodeError):  # SQLite itself may name a damaged table by its damaged name
        return _damaged(path, "a name in it is no text", remedy)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more than is needed
    if code in _LOCKED:
        return Locked("another program has locked its database")
    if code in _DAMAGED:
        return _damaged(path, str(error), remedy)
    return SuiteError(f"{path}: {error}.", "Make it readable and writable, or free some space.", code=MACHINE)


def _damaged(path: Path, how: str, remedy: str) -> SuiteError:
    return SuiteError(f"{path} is damaged: {how}.", remedy)
