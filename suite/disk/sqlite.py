"""Checks of the SQLite files of MLflow and Optuna, before those programs open them."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from suite.disk import files
from suite.errors import MACHINE, SuiteError, machine_error

PATIENCE = 2.0  # seconds to wait for another program's lock; MLflow itself waits for 20
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Locked(Exception):
    """Another program has locked the database."""


def require_whole(path: Path, remedy: str) -> None:
    """Raise if a database is damaged; a file that does not exist is accepted.

    The program that owns it would show a traceback, and would silently fill an empty file with a new database.
    Raises `SuiteError` (2 with the `remedy`; 3 if it cannot be read) or `Locked`.
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
    for place in (path, path.parent):  # SQLite would say no more than that the database is read-only
        if not os.access(place, os.W_OK):
            raise machine_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), place)
    if not known:
        raise _damaged(path, "it is not an SQLite database", remedy)
    try:
        with closing(connect(path)) as database:
            [(found,), *_] = database.execute("PRAGMA integrity_check(1)")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise refusal(error, path, remedy) from error
    if found != "ok":
        raise _damaged(path, str(found), remedy)


def state(path: Path) -> tuple[str, tuple[int, int] | None] | None:
    """What changes with each transaction: SQLite's own counter of changes, and the file's time and size.

    None if there is no such file, and while a transaction is written, or was broken off: its journal lies beside the
    file. So it also is with a log of transactions (WAL), which are not in the file yet.
    """
    try:
        with files.opened(path, 1 << 50) as file:
            header = file.read(28)
    except (OSError, files.Unfit):
        return None
    if any(Path(f"{path}{end}").exists() for end in ("-journal", "-wal")):
        return None
    return header[24:].hex(), files.state(path)


def connect(path: Path) -> sqlite3.Connection:
    """A connection for reading and writing: SQLite must be able to roll back the journal of a killed process."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE)


def refusal(error: sqlite3.Error | UnicodeDecodeError, path: Path, remedy: str) -> Exception:
    """The exception for an SQLite error: `Locked`, or `SuiteError` for damage (2) or a machine problem (3)."""
    if isinstance(error, UnicodeDecodeError):  # SQLite's message can contain the damaged name of a table
        return _damaged(path, "a name in it is not valid text", remedy)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code; the other bits only add details
    if code in _LOCKED:
        return Locked("another program has locked its database")
    if code in _DAMAGED:
        return _damaged(path, str(error), remedy)
    return SuiteError(f"{path}: {error}.", "Make it readable and writable, or free some space.", code=MACHINE)


def _damaged(path: Path, how: str, remedy: str) -> SuiteError:
    return SuiteError(f"{path} is damaged: {how}.", remedy)
