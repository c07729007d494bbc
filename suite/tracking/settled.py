"""A note in the home that MLflow holds all there is, so that a command which finds nothing new need not ask.

To ask which runs are complete takes longer with each run in the record. The answer depends on the database, the run
folders, the studies and the place of the home; the note is a digest of what the file system says of them.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from suite.disk import files, sqlite
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import artifact_root, database, tracking_uri

LENGTH = 64  # of the note: hexadecimal digits


def digest(home: Home, folders: Iterable[Path]) -> str:
    """SHA-256 of the state of the record and of all that is sent to it; `folders` are those of the runs.

    Empty where the state cannot be told without asking: another program writes now, or the record is not the home's
    own SQLite file.
    """
    state = sqlite.state(database(home))
    if state is None or tracking_uri(home) != f"sqlite:///{database(home)}":
        return ""
    seen = hashlib.sha256(repr((state, artifact_root(home).as_uri(), home.origin())).encode())
    told = (folder / name for folder in folders for name in ("recipe.json", "result.json"))
    for path in (*told, *sorted(home.studies.glob("*"))):
        seen.update(repr((str(path.relative_to(home.root)), files.state(path))).encode())
    return seen.hexdigest()


def is_noted(home: Home, found: str) -> bool:
    """Whether nothing has changed since this digest was noted."""
    try:
        return bool(found) and files.read(_note(home), LENGTH).decode(errors="replace") == found
    except (OSError, files.Unfit):
        return False


def note(home: Home, found: str) -> None:
    """Note a digest, which must be older than the answer that nothing is missing. Without the note nothing is lost."""
    with suppress(SuiteError):
        files.write(_note(home), found.encode())


def _note(home: Home) -> Path:
    return home.mlruns / "settled"
