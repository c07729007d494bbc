"""Ways to damage a file, and jobs that break off: light enough to be imported by every forked child."""

import os
import random
import resource
from collections.abc import Callable
from pathlib import Path

from suite.engine import program
from suite.worker import Event, Job, work

Emit = Callable[[Event], None]
Damage = Callable[[bytes, random.Random], bytes]


def break_off(job: Job, emit: Emit) -> None:
    """Train as the worker does and die as `kill -9` would, once the second epoch is written down."""
    os.environ["SUITE_CRASH_AT"] = "epoch:saved#2"
    work(job, emit)


def work_on_changed_text(job: Job, emit: Emit) -> None:
    """Train as the worker does from a program text that differs from its commit."""
    program.patch = lambda: b"diff --git a/suite/__init__.py b/suite/__init__.py\n"
    work(job, emit)


def work_and_weigh(job: Job, emit: Emit) -> None:
    """Do the worker's work and say by how many MiB this process grew."""
    before = _peak()
    work(job, emit)
    emit({"event": "weighed", "mib": _peak() - before})


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def flip_a_bit(contents: bytes, chance: random.Random) -> bytes:
    """Exactly one bit is another one."""
    place = chance.randrange(len(contents) * 8)
    at, bit = place // 8, 1 << place % 8
    return contents[:at] + bytes([contents[at] ^ bit]) + contents[at + 1 :]


def cut_short(contents: bytes, chance: random.Random) -> bytes:
    """The end is missing, at the most all of it."""
    return contents[: chance.randrange(len(contents))]


def garbage(contents: bytes, chance: random.Random) -> bytes:
    """Random bytes, half of the time as many as there were."""
    return chance.randbytes(chance.choice([len(contents), chance.randrange(1, 100_000)]))


def tree(*folders: Path) -> dict[str, bytes | str]:
    """Everything beneath some folders: the bytes of files, where links lead, which folders there are."""
    found: dict[str, bytes | str] = {}
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {os.readlink(path)}"
        else:
            found[str(path)] = path.read_bytes() if path.is_file() else "no file"
    return found
