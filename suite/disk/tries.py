"""The ledger of tries: a document for each baseline, which numbers the tries against it and keeps their verdicts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from suite.disk import files
from suite.disk.documents import Record, Shape, document, read_document
from suite.errors import USER, SuiteError, machine_error

LEDGER: Shape = {"baseline": str, "identity": str, "tries": list}
_TRY: Shape = {
    "number": int, "candidate": str, "identity": str, "keep_if": str, "margin": float, "limit": int, "error": float,
    "begun": str, "looks": list, "verdict": str, "words": str,
}  # fmt: skip


@contextmanager
def opened(folder: Path, baseline: str, identity: str) -> Iterator[Record]:
    """The ledger of a baseline, a new one if there is none; what is changed in it inside is written at the end.

    Only one process at a time has it. Raises `SuiteError`: 2 if it is damaged, 3 if it cannot be read or written.
    """
    path = folder / f"{identity[:16]}.json"
    try:
        files.make_folder(folder)
        with FileLock(f"{path}.lock"):
            ledger = _read(path) if path.exists() else {"baseline": baseline, "identity": identity, "tries": []}
            yield ledger
            files.write(path, document(ledger))
    except OSError as error:
        raise machine_error(error, error.filename or path) from error


def all_of(folder: Path) -> list[Record]:
    """Every ledger, by the name of its baseline. Raises `SuiteError` as `opened`."""
    found = [_read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda ledger: (ledger["baseline"], ledger["identity"]))


def _read(path: Path) -> Record:
    try:
        ledger = read_document(path, LEDGER)
    except SuiteError as error:
        if error.code != USER:
            raise
        what = f"{path} is damaged, and without it nobody knows how much error the tries have spent."
        raise SuiteError(what, "Put a copy of it back.") from error
    if not all(_is_try(one, number) for number, one in enumerate(ledger["tries"], 1)):
        raise SuiteError(f"{path} is damaged: its tries are not those of a ledger.", "Put a copy of it back.")
    return {name: ledger[name] for name in LEDGER}


def _is_try(one: Any, number: int) -> bool:
    whole = isinstance(one, dict) and all(isinstance(one.get(name), kind) for name, kind in _TRY.items())
    return whole and one["number"] == number
