"""Ways to damage a file, and jobs that stop in the middle. It loads little, because each forked child imports it."""

import os
import random
import resource
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from suite.disk.journal import Run
from suite.engine import program
from suite.runs.worker import Event, Job, work

if TYPE_CHECKING:
    from tests.promises.conftest import Bench

Emit = Callable[[Event], None]
Damage = Callable[[bytes, random.Random], bytes]


def break_off(job: Job, emit: Emit) -> None:
    """Train as the worker does, and die as with `kill -9` after the second epoch was written."""
    os.environ["SUITE_CRASH_AT"] = "epoch:saved#2"
    work(job, emit)


def work_on_changed_text(job: Job, emit: Emit) -> None:
    """Train as the worker does, with a program that was changed since its commit."""
    program.patch = lambda: b"diff --git a/suite/__init__.py b/suite/__init__.py\n"
    work(job, emit)


def work_and_weigh(job: Job, emit: Emit) -> None:
    """Train as the worker does, and say by how many MiB the memory of this process grew."""
    before = _peak()
    work(job, emit)
    emit({"event": "weighed", "mib": _peak() - before})


def sweep_and_weigh(homes: list[Path], emit: Emit) -> None:
    """Read all run folders of homes, as `sync`, `report` and `verify` do. Says which are whole, and the warnings."""
    from suite.disk.journal import begun_runs, whole_runs

    before = _peak()
    for home in homes:
        said: list[str] = []
        whole = [run.name for run in whole_runs(begun_runs(home / "mlruns" / "runs"), said.append)]
        emit({"event": "swept", "whole": whole, "said": said, "mib": _peak() - before})


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


HALVES = {
    "plain": ("plain", 0, {}),
    "choosy": ("choosy", 0, {}),
    "another rate": ("plain", 0, {"lr": 0.2}),
    "another seed": ("plain", 1, {}),
    "one more seed": ("plain", 2, {}),
}


def half_done_runs(bench: "Bench") -> dict[str, Run]:
    """Runs that died after two epochs: one of each kind, and three more. Each of the three is closer to `plain`."""
    runs = {name: bench.run(kind, bench.top, seed, **fields) for name, (kind, seed, fields) in HALVES.items()}
    jobs = [bench.job(run, **HALVES[name][2]) for name, run in runs.items()]
    assert [events[-1]["exit"] for events in bench.work(jobs, by=break_off)] == [-9] * len(HALVES)
    return runs


def copied(run: Run, home: Path) -> Run:
    """A copy of the run, with its whole folder, in another home."""
    there = Run.under(home / "mlruns" / "runs", run.experiment, run.identity, run.seed)
    shutil.copytree(run.folder, there.folder)
    return there


def flip_a_bit(contents: bytes, chance: random.Random) -> bytes:
    """Change exactly one bit."""
    place = chance.randrange(len(contents) * 8)
    at, bit = place // 8, 1 << place % 8
    return contents[:at] + bytes([contents[at] ^ bit]) + contents[at + 1 :]


def cut_short(contents: bytes, chance: random.Random) -> bytes:
    """Cut off the end; sometimes nothing is left."""
    return contents[: chance.randrange(len(contents))]


def garbage(contents: bytes, chance: random.Random) -> bytes:
    """Random bytes; in half of the cases as many as before."""
    return chance.randbytes(chance.choice([len(contents), chance.randrange(1, 100_000)]))


def tree(*folders: Path) -> dict[str, bytes | str]:
    """Everything below some folders: the bytes of files, the targets of links, and the kind of all else."""
    found: dict[str, bytes | str] = {}
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {os.readlink(path)}"
        else:
            facts = path.lstat()
            whole = stat.S_ISREG(facts.st_mode) and facts.st_size < 1 << 28
            found[str(path)] = path.read_bytes() if whole else f"{facts.st_mode:o} {facts.st_size}"
    return found
