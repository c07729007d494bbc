"""Check 15: a server that is down, dies, hangs or comes back delays no command. After `sync` it has all runs."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import Popen

import pytest

from suite.disk.home import Home
from suite.tracking.mirror import Mirror
from suite.tracking.recorder import prepare
from suite.tracking.store import TrackerAway, open_store
from suite.tracking.sync import sync
from tests.conftest import Answer, Workspace
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.trackers import Door, Server, assert_warned, run, server, sleeper, wait_for_an_epoch

pytestmark = pytest.mark.promise
LATER = 5.0  # seconds that a server may cost a command
HANGS = 30.0  # the same limit when other tests run too and slow the command down
TITLE = "a server that is dead, dies, hangs or returns delays no command, and lacks nothing after sync"
STEPS = ("begin", "grouped", "created", "described")  # the steps of copying a run that the server does not have yet


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
    """The server hangs from the start, or from some moment in the run."""
    door.open() if odd else door.hang()
    return lambda: (time.sleep(first), door.hang())[1]


def returning(door: Door, first: float, odd: bool) -> Callable[[], None]:
    """The server is dead (or hangs), comes back in the run, then hangs (or is dead), and comes back again."""
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


@pytest.mark.full
@pytest.mark.check(15, TITLE)
def test_a_server_that_is_away_does_not_hold_the_command_up(
    check, chance, tmp_path, mlflow_server, digits, monkeypatch
):
    lasting = 8.0 if check.full else 4.0  # seconds that the training lasts
    later: dict[str, list[float]] = {way.__name__: [] for way in WAYS[1:]}
    every = [[(way, n % 2 == 1) for way in WAYS] for n in range(5)]
    both = [(way, odd) for way in WAYS for odd in (False, True) if not odd or way in (hanging, returning)]
    for ways in every if check.full else [both]:
        rounds = [(way, chance.uniform(0.0, 0.75 * lasting), odd, chance.random()) for way, odd in ways]
        doors = [Door(mlflow_server.port) for _ in rounds]
        places = [sleeper(tmp_path, f"{way.__name__}-{rate}", lasting, MLFLOW_TRACKING_URI=door.uri)
                  for (way, *_, rate), door in zip(rounds, doors, strict=True)]  # fmt: skip

        with ThreadPoolExecutor(len(ways)) as pool:
            found = list(pool.map(meet, places, doors, rounds))

        for (way, *_), door, workspace, (answer, seconds) in zip(rounds, doors, places, found, strict=True):
            if way is as_it_is:
                assert_warned(answer, 0)
                assert_mirror_is_exact(workspace.home, mlflow_server.database, mlflow_server.artifacts)
                continue
            with check.case(2 if way is returning else 1):
                later[way.__name__].append(seconds - found[0][1])
                assert later[way.__name__][-1] <= (LATER if check.full else HANGS), (way, later, answer)
                assert_warned(answer, *((0, 1) if way is returning else (1,)))
                door.open()
                monkeypatch.setenv("MLFLOW_TRACKING_URI", door.uri)
                sync(Home(workspace.home), lambda _: digits, pytest.fail)
                assert_mirror_is_exact(workspace.home, mlflow_server.database, mlflow_server.artifacts)
        for door in doors:
            door.shut()
    check.remarks.append(", ".join(f"{way} at most {max(one):+.1f} s" for way, one in later.items()))


def meet(workspace: Workspace, door: Door, round_: tuple[Callable, float, bool, float]) -> tuple[Answer, float]:
    """Train while the server behind the door is away in one of the ways. Each run has its own recipe."""
    way, first, odd, rate = round_
    then = way(door, first, odd)

    def meanwhile(process: "Popen[str]") -> None:
        wait_for_an_epoch(workspace, process)
        then()

    return run(workspace, "--set", f"lr={rate}", meanwhile=meanwhile)


@pytest.mark.check(15, TITLE)
@pytest.mark.parametrize(
    "step", [pytest.param(one, marks=() if one == "created" else pytest.mark.full) for one in STEPS]
)
def test_what_a_hanging_server_does_after_all_is_not_done_twice(check, bench, mlflow_server, digits, monkeypatch, step):
    rate = {"lr": 0.03 + 0.01 * STEPS.index(step)}  # its own recipe, because all tests share the server
    made, door = bench.run("plain", bench.top, **rate), Door(mlflow_server.port)
    bench.work([bench.job(made, **rate)])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", door.uri)
    door.open()
    with check.case():
        steps = iter(STEPS)
        mirror = Mirror(open_store(Home(bench.top)), lambda: door.hang() if next(steps, "") == step else None)
        with pytest.raises(TrackerAway):
            mirror.send(made, prepare(made, lambda _: digits))
        door.open()  # now the server gets the waiting request

        sync(Home(bench.top), lambda _: digits, pytest.fail)

        assert_mirror_is_exact(bench.top, mlflow_server.database, mlflow_server.artifacts)
    door.shut()
