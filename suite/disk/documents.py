"""The JSON files of a run's folder; reading one checks its SHA-256 and fields, and refuses a damaged file."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Required, TypedDict, cast

from suite.disk import files
from suite.errors import SuiteError, machine_error

Record = dict[str, Any]
Shape = dict[str, type]


class EpochClock(TypedDict, total=False):
    """Seconds that an epoch spent on each thing, and when it ended (`at`, seconds since 1970)."""

    train_seconds: Required[float]
    probe_seconds: float
    validate_seconds: float
    test_seconds: float
    at: float


class Probe(TypedDict):
    """One look at the first test images between two steps, as some sources take it."""

    step: int
    batch_loss: float
    test_accuracy: float


class Epoch(TypedDict, total=False):
    """One line of a run's history. None where nothing was looked at; early runs have no `test_accuracy`."""

    epoch: Required[int]
    images: Required[int]
    train_loss: Required[float]
    train_accuracy: Required[float]
    val_loss: Required[float | None]
    val_accuracy: Required[float | None]
    test_accuracy: float | None
    clock: Required[EpochClock]
    probes: Required[list[Probe]]


class Result(TypedDict, total=False):
    """What became of a run. `status` is `finished`, `diverged` (in `epoch`), or for a study's trial `trained`."""

    status: Required[str]
    experiment: str
    identity: str
    seed: int
    epoch: int
    metrics: dict[str, float]
    clock: dict[str, float]
    environment: Record
    network: Record
    weights_sha256: str
    predictions_sha256: str
    files: dict[str, str]


LARGEST = 1 << 21  # bytes of a document; Python's objects for it can take thirty times as much memory
LARGEST_LINE = 5 << 20  # enough for an epoch with 60,000 probes
LARGEST_HISTORY = 1 << 28
LARGEST_FILE = 1 << 32  # bytes of any other file in the folder

_WHOSE: Shape = {"experiment": str, "identity": str, "seed": int, "environment": dict}
RECIPE: Shape = {**_WHOSE, "recipe": dict, "overrides": dict, "network": str}
RESULT: Shape = {**_WHOSE, "status": str, "metrics": dict, "clock": dict, "files": dict}
STUDY: Shape = {"study": str, "experiment": str, "rules": dict, "trials": list, "importances": dict, "cost": dict}


def damaged(path: Path, how: str) -> SuiteError:
    """The `SuiteError` (2) for a damaged file in a run's folder."""
    return SuiteError(
        f"{path} is damaged: {how}.", f"Nothing was changed; move the folder {path.parent} away to train it again."
    )


def document(facts: Record) -> bytes:
    """The facts as readable JSON, together with their SHA-256."""
    return (
        json.dumps({**facts, "sha256": _digest(facts)}, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    )


def read_document(path: Path, shape: Shape) -> Record:
    """The facts of a file made by `document`; raises `SuiteError`: 2 if it is missing or damaged, 3 if unreadable."""
    found = contents(path, LARGEST)
    try:
        facts = json.loads(found)
        del facts["sha256"]
        whole = document(facts) == found
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(path, "it is not a JSON document of the suite") from error
    if not whole:
        raise damaged(path, "its contents do not match the SHA-256 stored with them")
    for name, kind in shape.items():
        if type(facts.get(name)) is not kind:
            raise damaged(path, f"its {name} is missing or not of type {kind.__name__}")
    return dict(facts)


def lines(records: Sequence[Epoch]) -> bytes:
    """The records as JSON lines, one line each."""
    return b"".join(json.dumps(record, sort_keys=True).encode() + b"\n" for record in records)


def read_lines(path: Path, skip: int = 0) -> list[Epoch]:
    """The records of a file made by `lines`; an incomplete last line, left by a crash, is ignored.

    Raises `SuiteError` as `read_document` does.
    """
    records: list[Epoch] = []
    try:
        with files.opened(path, LARGEST_HISTORY) as file:
            while (line := file.readline(LARGEST_LINE)).endswith(b"\n"):
                if skip > 0:
                    skip -= 1
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise damaged(path, "a line before its last is not a record")
                records.append(cast(Epoch, record))
    except (files.Unfit, OSError) as error:
        raise unread(error, path) from error
    except (ValueError, RecursionError) as error:
        raise damaged(path, "a line before its last is not JSON") from error
    if len(line) == LARGEST_LINE:
        raise damaged(path, "it has a line longer than any epoch's")
    return records


def beginning(path: Path, length: int) -> bytes:
    """The first `length` bytes of a history; raises `SuiteError` as `read_document` does."""
    try:
        with files.opened(path, LARGEST_HISTORY) as file:
            return file.read(length)
    except (files.Unfit, OSError) as error:
        raise unread(error, path) from error


def contents(path: Path, most: int) -> bytes:
    """The bytes of a file in a run's folder, at most `most`; raises `SuiteError` as `read_document` does."""
    try:
        return files.read(path, most)
    except (files.Unfit, OSError) as error:
        raise unread(error, path) from error


def digest(path: Path) -> str:
    """The SHA-256 of a file in a run's folder, in hexadecimal; raises `SuiteError` as `read_document` does."""
    try:
        return files.sha256(path, LARGEST_FILE)
    except (files.Unfit, OSError) as error:
        raise unread(error, path) from error


def unread(error: files.Unfit | OSError, path: Path) -> SuiteError:
    """The `SuiteError` for a file in a run's folder that cannot be read: 2 if it is damaged or missing, else 3."""
    if isinstance(error, files.Unfit):
        return damaged(path, str(error))
    return damaged(path, "it is missing") if isinstance(error, FileNotFoundError) else machine_error(error, path)


def _digest(facts: Record) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
