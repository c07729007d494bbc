"""The work of processes whose disk becomes full at a chosen step. Each imports this file, so it loads nothing heavy."""

import contextlib
import hashlib
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.disk import crash
from suite.errors import SuiteError
from suite.runs.worker import Job, work
from tests.promises.breaking import PATCH, Emit

FILLER = "filler"
NOT_REPLACED = ("lock", "output.log")


@dataclass(frozen=True)
class Full:
    """A run to train. When it writes this file for the given time, the disk is full.

    `disk` is a small file system that is then filled. With None the process gets a limit on the length of files.
    """

    job: Job
    file: str
    time: int
    disk: Path | None


def train(full: Full, emit: Emit) -> None:
    """Train as the worker does. Emits the digests of the folder's files from before the disk was full."""
    from suite.engine import program

    program.patch = lambda: PATCH  # type: ignore[assignment]
    _fill_at(full, emit)
    work(full.job, emit)


def draw(full: Full, emit: Emit) -> None:
    """Draw a finished run's pictures as the recorder does."""
    from suite.tracking import recorder

    _fill_at(full, emit)
    try:
        recorder.prepare(full.job.run, lambda _: full.job.data_folder)
        emit({"event": "done"})
    except SuiteError as error:
        emit({"event": "failed", "reason": str(error), "code": error.code})


def _fill_at(full: Full, emit: Emit) -> None:
    met = 0

    def at(step: str, of: str = "") -> None:
        nonlocal met
        met += (step, of) == ("write:opened", full.file)
        if (step, of, met) == ("write:opened", full.file, full.time):
            emit(before(full))
            if full.disk:
                fill(full.disk)
            else:
                resource.setrlimit(resource.RLIMIT_FSIZE, (4, resource.RLIM_INFINITY))

    crash.at = at  # every module calls it by this name


def before(full: Full) -> dict[str, Any]:
    """The event that lists the folder's files."""
    return {"event": "before", "files": digests(full.job.run.folder)}


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, except files that are half written."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith((".tmp", "lock"))]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def fill(disk: Path) -> None:
    """Fill the disk completely."""
    with open(disk / FILLER, "wb", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(size))
