"""Check 14: if another program has locked the database, there is a warning, and training goes on."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from subprocess import Popen

import pytest

from suite.disk.home import Home
from suite.tracking.store import open_store
from suite.tracking.sync import sync
from tests.conftest import Answer, Workspace, furnish
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.trackers import assert_warned, run, sleeper, wait_for_an_epoch

pytestmark = pytest.mark.promise
UNDISTURBED, THROUGHOUT = -1, 0  # special values in the place of a number of locks
SLOWER = 1.0  # seconds that a lock may cost the training
HANGS = 20.0  # seconds, used when other tests run too and slow the training down


def training_seconds(workspace: Workspace) -> float:
    [history] = workspace.home.glob("mlruns/runs/sleepy/*/history.jsonl")
    ends = [json.loads(line)["clock"]["at"] for line in history.read_text().splitlines()]
    return ends[-1] - ends[0]


@contextmanager
def locked(workspace: Workspace) -> Iterator[None]:
    """MLflow's database is locked: no other process can read or write it."""
    database = workspace.home / "mlruns" / "mlflow.db"
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def lock_for(workspace: Workspace, seconds: float, pauses: Sequence[float]) -> Answer:
    """Train, and lock the database for so many seconds after each pause. The first pause begins after one epoch."""

    def lock(process: "Popen[str]") -> None:
        wait_for_an_epoch(workspace, process)
        for pause in pauses:
            time.sleep(pause)
            with locked(workspace):
                time.sleep(seconds)

    answer, _ = run(workspace, meanwhile=lock)
    return answer


def lock_throughout(workspace: Workspace, at_once: bool) -> Answer:
    """Train with a locked database. The lock begins at the start or after one epoch, and ends with the command."""

    def lock(process: "Popen[str]") -> None:
        wait_for_an_epoch(workspace, process)
        with locked(workspace):
            process.wait(timeout=300)

    if not at_once:
        return run(workspace, meanwhile=lock)[0]
    with locked(workspace):
        return run(workspace, meanwhile=lambda process: process.wait(timeout=300))[0]


@pytest.mark.check(14, "a locked database slows no training, costs one warning, and is made up for")
def test_a_locked_database_does_not_hold_training_up(check, chance, tmp_path, digits):
    n, times, lengths = (5, 1, (3.0, 30.0)) if check.full else (2, 2, (1.0,))  # two short locks in one run count as two
    jobs: list[tuple[int, float, Callable[[Workspace], Answer]]] = []  # number of locks, length of the run
    for seconds in lengths:
        lasting = times * (seconds + 1.0) + 1.5  # so all locks end before the command ends
        for pauses in [[chance.uniform(0.0, 1.0) for _ in range(times)] for _ in range(n)]:
            jobs.append((times, lasting, lambda one, s=seconds, p=pauses: lock_for(one, s, p)))
        jobs.append((UNDISTURBED, lasting, lambda one: run(one, meanwhile=lambda _: None)[0]))
    lasting = jobs[0][1]
    jobs += [(THROUGHOUT, lasting, lambda one, i=i: lock_throughout(one, i % 2 == 0)) for i in range(n)]
    workspaces = [sleeper(tmp_path, str(index), lasting) for index, (_, lasting, _) in enumerate(jobs)]
    template = sleeper(tmp_path, "template", 1).home
    open_store(Home(furnish(template)))
    for workspace in workspaces:
        (workspace.home / "mlruns").mkdir()
        (workspace.home / "mlruns" / "mlflow.db").write_bytes((template / "mlruns" / "mlflow.db").read_bytes())

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job, workspace: job[2](workspace), jobs, workspaces))

    alone = {lasting: training_seconds(one) for (locks, lasting, _), one in zip(jobs, workspaces, strict=True)
             if locks == UNDISTURBED}  # fmt: skip
    slower = []
    for (locks, lasting, _), workspace, answer in zip(jobs, workspaces, answers, strict=True):
        if locks == UNDISTURBED:
            assert_warned(answer, 0)
            continue
        with check.case(max(locks, 1)):
            slower.append(training_seconds(workspace) - alone[lasting])
            assert slower[-1] < (SLOWER if check.full else HANGS), answer
            assert_warned(answer, *((1,) if locks == THROUGHOUT else (0, 1)))
            if locks == THROUGHOUT:
                assert sync(Home(workspace.home), lambda _: digits, pytest.fail).sent == 1
            assert_mirror_is_exact(workspace.home)
    check.remarks.append(f"at most {max(slower):+.2f} s")
