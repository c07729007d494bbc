"""The history of verdicts: a text file to which each verdict of `gate` and `bench` adds a line of JSON."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from suite.disk import files
from suite.disk.documents import Record
from suite.errors import SuiteError, machine_error

LARGEST = 1 << 28  # bytes
FIELDS = {  # `value` has the interval `low` to `high`, over `n` runs or rounds; `kind` is that of the processor
    "at": str, "verb": str, "experiment": str, "measure": str, "beside": str, "value": float, "low": float,
    "high": float, "n": int, "verdict": str, "commit": str, "dirty": bool, "kind": str, "versions": dict,
}  # fmt: skip


def append(path: Path, records: Sequence[Record]) -> None:
    """Add a line for each record, all in one write and under a lock; a torn last line is cut off first.

    Raises `OSError`.
    """
    lines = "".join(json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in records).encode()
    files.make_folder(path.parent)
    with FileLock(f"{path}.lock"), path.open("ab+") as file:
        file.seek(0)
        file.truncate(_whole(file.read()))
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[Record]:
    """All records, those of equal lines once, as git's union merge may repeat a line; an empty list without a file.

    A torn last line, which a killed writer left, is passed over. Raises `SuiteError`: 2 if another line is damaged, 3
    if the file cannot be read.
    """
    try:
        text = files.read(path, LARGEST)
    except FileNotFoundError:
        return []
    except files.Unfit as error:
        raise SuiteError(f"{path}: {error}.", "Name a file of verdicts.") from error
    except OSError as error:
        raise machine_error(error, path) from error
    lines = text[: _whole(text)].splitlines()
    return [_record(path, number, line) for line, number in {line: n for n, line in enumerate(lines, 1)}.items()]


def _whole(text: bytes) -> int:
    """The length of the text up to its last line end."""
    return text.rfind(b"\n") + 1


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        found = json.loads(line)
        fit = isinstance(found, dict) and all(_fits(found.get(name), kind) for name, kind in FIELDS.items())
        if not fit:
            raise ValueError("it is no verdict")
    except (ValueError, RecursionError) as error:
        what = f"{path}, line {number} is damaged: {error}."
        raise SuiteError(what, "Delete this line, or put a copy of the file back.") from error
    return dict(found)


def _fits(value: object, kind: type) -> bool:
    numbers = (int, float) if kind is float else (kind,)
    return isinstance(value, numbers) and (kind is bool or not isinstance(value, bool))
