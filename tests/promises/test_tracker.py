"""Checks 14 and 15: a locked database and a dead, dying, silent or returning server cost a warning and no training."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import Popen

import pytest

from suite.home import Home
from suite.sync import sync
from suite.tracking.store import open_store
from tests.conftest import Answer, Workspace
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.trackers import SLEEPY, Door, Server, server

pytestmark = pytest.mark.promise
UNDISTURBED, THROUGHOUT = -1, 0  # instead of the number of locks
NAPS = 18  # between the ends of its first and its last epoch
SLOWER, LATER = 1.0, 5.0  # seconds that a lock may cost the training, and a server the command


@pytest.fixture(scope="module")
def sleepy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sleepy")
    (folder / "sleepy.py").write_text(SLEEPY)
    return folder


@pytest.fixture
def new(sleepy, tmp_path):
    """A workspace in which `sleepy` trains for so many seconds between its first and its last epoch."""

    def make(name: str, seconds: float, **environment: str) -> Workspace:
        home = tmp_path / name
        home.mkdir()
        return Workspace(home, {"SUITE_EXPERIMENTS": str(sleepy), "NAP": str(seconds / NAPS), **environment})

    return make


def run(workspace: Workspace, *words: str, meanwhile: Callable[["Popen[str]"], None]) -> tuple[Answer, float]:
    """Train `sleepy`, do something meanwhile, and tell how long the command took."""
    begun = time.monotonic()
    process = workspace.start("run", "sleepy", "--seeds", "1", "--no-report", *words)
    meanwhile(process)
    out, err = process.communicate(timeout=300)
    return Answer(process.returncode, out, err), time.monotonic() - begun


def wait_for_an_epoch(workspace: Workspace, process: "Popen[str]") -> None:
    while process.poll() is None and not list(workspace.home.glob("mlruns/runs/sleepy/*/checkpoint")):
        time.sleep(0.02)


def training_seconds(workspace: Workspace) -> float:
    [history] = workspace.home.glob("mlruns/runs/sleepy/*/history.jsonl")
    ends = [json.loads(line)["clock"]["at"] for line in history.read_text().splitlines()]
    return ends[-1] - ends[0]


def assert_warned(answer: Answer, *times: int) -> None:
    """It went well, and MLflow was said to be away that many times: once in one line, or not at all."""
    assert answer.code == 0, answer
    lines = answer.err.splitlines()
    assert len(lines) in times, answer
    assert all(line.startswith("suite: MLflow") and "sync" in line for line in lines), answer
    assert "MLflow" not in answer.out.replace("Sending what MLflow lacks.", "")
    assert "Traceback" not in answer.out + answer.err


@contextmanager
def locked(workspace: Workspace) -> Iterator[None]:
    """Nobody else reads or writes MLflow's database."""
    database = workspace.home / "mlruns" / "mlflow.db"
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def lock_for(workspace: Workspace, seconds: float, pauses: Sequence[float]) -> Answer:
    """Train while the database is locked for so long after each of these pauses, the first after the first epoch."""

    def lock(process: "Popen[str]") -> None:
        wait_for_an_epoch(workspace, process)
        for pause in pauses:
            time.sleep(pause)
            with locked(workspace):
                time.sleep(seconds)

    answer, _ = run(workspace, meanwhile=lock)
    return answer


def lock_throughout(workspace: Workspace, at_once: bool) -> Answer:
    """Train while the database is locked: from the start or from the first epoch on, until the command has ended."""

    def lock(process: "Popen[str]") -> None:
        wait_for_an_epoch(workspace, process)
        with locked(workspace):
            process.wait(timeout=300)

    if not at_once:
        return run(workspace, meanwhile=lock)[0]
    with locked(workspace):
        return run(workspace, meanwhile=lambda process: process.wait(timeout=300))[0]


@pytest.mark.check(14, "a locked database slows no training, costs one warning, and is made up for")
def test_a_locked_database_does_not_hold_training_up(check, chance, new, digits):
    n, times, lengths = (
        (5, 1, (3.0, 30.0)) if check.full else (2, 4, (1.0,))
    )  # four short locks in one run count as four
    jobs: list[tuple[int, float, Callable[[Workspace], Answer]]] = []  # the locks that end, and how long the run lasts
    for seconds in lengths:
        lasting = times * (seconds + 1.0) + 1.5  # the locks are gone before the command ends
        for pauses in [[chance.uniform(0.0, 1.0) for _ in range(times)] for _ in range(n)]:
            jobs.append((times, lasting, lambda one, s=seconds, p=pauses: lock_for(one, s, p)))
        jobs.append((UNDISTURBED, lasting, lambda one: run(one, meanwhile=lambda _: None)[0]))
    lasting = jobs[0][1]
    jobs += [(THROUGHOUT, lasting, lambda one, i=i: lock_throughout(one, i % 2 == 0)) for i in range(n)]
    workspaces = [new(str(index), lasting) for index, (_, lasting, _) in enumerate(jobs)]
    template = new("template", 1).home
    open_store(Home(template))
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
            assert slower[-1] < SLOWER, answer
            assert_warned(answer, *((1,) if locks == THROUGHOUT else (0, 1)))
            if locks == THROUGHOUT:
                assert sync(Home(workspace.home), lambda _: digits, pytest.fail) == 1
            assert_mirror_is_exact(workspace.home)
    check.remarks.append(f"at most {max(slower):+.2f} s")


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("server")) as started:
        yield started


def as_it_is(door: Door, _first: float, _odd: bool) -> Callable[[], None]:
    door.open()
    return lambda: None


def dead(_door: Door, _first: float, _odd: bool) -> Callable[[], None]:
    return lambda: None


def dying(door: Door, first: float, _odd: bool) -> Callable[[], None]:
    door.open()
    return lambda: (time.sleep(first), door.shut())[1]


def hanging(door: Door, first: float, odd: bool) -> Callable[[], None]:
    """From the start, or from somewhere in the run on."""
    door.open() if odd else door.hang()
    return lambda: (time.sleep(first), door.hang())[1]


def returning(door: Door, first: float, odd: bool) -> Callable[[], None]:
    """Dead or hanging from the start and back in the midst of the run, then the other of both, and back again."""
    if odd:
        door.hang()

    def then() -> None:
        time.sleep(first / 3)
        door.open()
        time.sleep(first / 3)
        door.shut() if odd else door.hang()
        time.sleep(first / 3)
        door.open()

    return then


WAYS = (as_it_is, dead, dying, hanging, returning)


@pytest.mark.check(15, "a server that is dead, dies, hangs or returns delays no command, and lacks nothing after sync")
def test_a_server_that_is_away_does_not_hold_the_command_up(check, chance, new, mlflow_server, digits, monkeypatch):
    later: dict[str, list[float]] = {way.__name__: [] for way in WAYS[1:]}
    for odd in [n % 2 == 1 for n in range(check.times(5, 2))]:
        rounds = [(way, chance.uniform(0.0, 6.0), odd, chance.random()) for way in WAYS]
        doors = [Door(mlflow_server.port) for _ in rounds]
        places = [new(f"{way.__name__}-{rate}", 8.0, MLFLOW_TRACKING_URI=door.uri)
                  for (way, *_, rate), door in zip(rounds, doors, strict=True)]  # fmt: skip

        with ThreadPoolExecutor(len(WAYS)) as pool:
            found = list(pool.map(meet, places, doors, rounds))

        for (way, *_), door, workspace, (answer, seconds) in zip(rounds, doors, places, found, strict=True):
            if way is as_it_is:
                assert_warned(answer, 0)
                assert_mirror_is_exact(workspace.home, mlflow_server.database, mlflow_server.artifacts)
                continue
            with check.case(2 if way is returning else 1):
                later[way.__name__].append(seconds - found[0][1])
                assert later[way.__name__][-1] <= LATER, (way, later, answer)
                assert_warned(answer, *((0, 1) if way is returning else (1,)))
                door.open()
                monkeypatch.setenv("MLFLOW_TRACKING_URI", door.uri)
                sync(Home(workspace.home), lambda _: digits, pytest.fail)
                assert_mirror_is_exact(workspace.home, mlflow_server.database, mlflow_server.artifacts)
        for door in doors:
            door.shut()
    check.remarks.append(", ".join(f"{way} at most {max(one):+.1f} s" for way, one in later.items()))


def meet(workspace: Workspace, door: Door, round_: tuple[Callable, float, bool, float]) -> tuple[Answer, float]:
    """Train while the server behind the door is away in its way; every run is of a recipe of its own."""
    way, first, odd, rate = round_
    then = way(door, first, odd)

    def meanwhile(process: "Popen[str]") -> None:
        wait_for_an_epoch(workspace, process)
        then()

    return run(workspace, "--set", f"lr={rate}", meanwhile=meanwhile)
