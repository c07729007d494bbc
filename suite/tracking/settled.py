"""A note in the home that MLflow holds all there is, so that a command which finds nothing new need not ask.

To ask which runs are complete takes longer with each run in the record. The answer depends on the database, the run
folders, the studies and the place of the home; the note has a digest of what the file system says of them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from suite.disk import files, sqlite
from suite.disk.documents import Shape, document, read_document
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import artifact_root, database, tracking_uri

_NOTE: Shape = {"record": str, "report": str, "runs": dict}
_WRITERS = ("matplotlib", "numpy", "pandas", "scipy", "jinja2")  # the libraries that have a part in a report


@dataclass(frozen=True)
class Note:
    """The digest of a record in which nothing was missing, and of the report that was written of it.

    `runs` are MLflow's ids of the runs, by the names of their folders. An empty digest is never that of a record.
    """

    record: str = ""
    runs: Mapping[str, str] = field(default_factory=dict)
    report: str = ""


def digest(home: Home, folders: Iterable[Path]) -> str:
    """SHA-256 of the state of the record and of all that is sent to it; `folders` are those of the runs.

    Empty where the state cannot be told without asking: another program writes now, or the record is not the home's
    own SQLite file.
    """
    state = sqlite.state(database(home))
    if state is None or tracking_uri(home) != f"sqlite:///{database(home)}":
        return ""
    told = (folder / name for folder in folders for name in ("recipe.json", "result.json"))
    paths = [*told, *sorted(home.studies.glob("*"))]
    return _of([state, artifact_root(home).as_uri(), home.origin()], home.root, paths)


def report_digest(home: Home, record: str) -> str:
    """SHA-256 of the files of the report, of the digest of the record that it shows, and of what wrote it."""
    package = Path(__file__).parent.parent
    ours = sorted(path for path in package.rglob("*.*") if path.suffix != ".pyc")
    written = sorted(path for path in home.reports.rglob("*.*") if not path.name.startswith("."))
    return _of([record, _of([*map(version, _WRITERS)], package, ours)], home.reports, written)


def read(home: Home) -> Note:
    """The home's note; an empty one where there is none, or where it is damaged."""
    with suppress(SuiteError):
        found = read_document(_path(home), _NOTE)
        return Note(found["record"], found["runs"], found["report"])
    return Note()


def write(home: Home, note: Note) -> None:
    """Keep a note. Its digests must be older than the answers on which it relies. Without it nothing is lost."""
    with suppress(SuiteError):
        files.write(_path(home), document({"record": note.record, "runs": dict(note.runs), "report": note.report}))


def _of(facts: object, root: Path, paths: Iterable[Path]) -> str:
    """SHA-256 of these facts and of the names, times and sizes of files below `root`; nothing in them is read."""
    seen = hashlib.sha256(repr(facts).encode())
    for path in paths:
        seen.update(repr((str(path.relative_to(root)), files.state(path))).encode())
    return seen.hexdigest()


def _path(home: Home) -> Path:
    return home.mlruns / "settled.json"
