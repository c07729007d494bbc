"""The work of processes that a test kills on purpose. Each process imports this file, so it loads nothing heavy."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.disk import crash
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.runs.worker import Job, work

Emit = Callable[[dict[str, Any]], None]
PATCH = b"diff, as if the program's text were not that of its commit\n"
NOWHERE = "nowhere"  # a step that no run reaches: the process lives and counts the steps that it passes


@dataclass(frozen=True)
class Broken:
    """A run to train, and the step at which its process dies. With None it lives and says which steps it passed."""

    job: Job
    at: str | None = None


def train_and_die(broken: Broken, emit: Emit) -> None:
    """Train as the worker does. The program counts as changed since its commit, so `source.patch` is written too."""
    from suite.engine import program

    program.patch = lambda: PATCH  # type: ignore[assignment]
    os.environ["SUITE_CRASH_AT"] = broken.at or NOWHERE
    work(broken.job, emit)
    emit({"event": "passed", "steps": _passed()})


def _passed() -> dict[str, int]:
    return {here: times for here, times in crash._passed.items() if "#" not in here}


@dataclass(frozen=True)
class Act:
    """One of the acts that follow a finished run, in a home. `at` means the same as in `Broken`."""

    name: str
    home: Path
    data: Path
    at: str | None = None


def act_in_turn(acts: Sequence[Act], emit: Emit) -> None:
    """Do each act in a process of its own. It is forked from this process, which has already loaded the libraries.

    Emits one event for each act: how it ended, and the steps that it passed.
    """
    from suite.tracking import store

    os.environ.update(store.SETTINGS)
    for heavy in ("mlflow", "pandas", "matplotlib.figure", "suite.reporting", "suite.tracking.sync"):
        importlib.import_module(heavy)
    for act in acts:
        child = os.fork()
        if child == 0:
            os._exit(_perform(act, emit))
        _, status = os.waitpid(child, 0)
        emit({"event": "acted", "act": act, "exit": os.waitstatus_to_exitcode(status)})


def _perform(act: Act, emit: Emit) -> int:
    os.environ["SUITE_CRASH_AT"] = act.at or NOWHERE
    try:
        ACTS[act.name](act.home, act.data)
        emit({"event": "passed", "act": act, "steps": _passed()})
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        return 1
    return 0


def prepare(home: Path, data: Path) -> None:
    """Draw the pictures and write the tables of each finished run."""
    from suite.tracking import recorder

    for path in sorted(home.glob("mlruns/runs/*/*/result.json")):
        recorder.prepare(Run.at(path.parent), lambda _: data)


def open_database(home: Path, _data: Path) -> None:
    """Make MLflow's database."""
    from suite.tracking import store

    store.open_store(Home(home))


def record(home: Path, data: Path) -> None:
    """Send the runs to MLflow. Their pictures were drawn before."""
    from suite.tracking import sync

    sync.prepare = lambda run, _: run.result()  # type: ignore[assignment]
    sync.sync(Home(home), lambda _: data, _fail)


def rebuild(home: Path, data: Path) -> None:
    """Rebuild MLflow's record beside a leftover journal, such as SQLite leaves when its process is killed."""
    from suite.tracking import sync

    journal = home / "mlruns" / "mlflow.db-journal"
    if (home / "mlruns" / "mlflow.db").exists():
        journal.write_bytes(bytes(512))
    sync.set_aside(Home(home))
    record(home, data)


def report(home: Path, _data: Path) -> None:
    """Write the report."""
    from suite.reporting import write_report
    from suite.tracking import store

    write_report(store.open_store(Home(home)), home / "reports")


def fetch(home: Path, _data: Path) -> None:
    """Fill an empty cache with the digits data set."""
    from suite.data import ensure

    os.environ["XDG_CACHE_HOME"] = str(home)
    ensure("digits", say=lambda _: None)


def _fail(line: str) -> None:
    raise AssertionError(line)


ACTS: dict[str, Callable[[Path, Path], Any]] = {
    "prepare": prepare, "open": open_database, "record": record, "rebuild": rebuild, "report": report, "fetch": fetch,
}  # fmt: skip
