"""Check 16: two homes share a store and train the same recipe and seeds, on machines that compute other numbers.

Neither home overwrites records of the other. They send in any order, several times, and with interruptions.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from suite.disk.home import Home
from suite.runs.worker import work
from suite.tracking.frame import finished_runs
from suite.tracking.groups import read_groups
from suite.tracking.store import open_store
from suite.tracking.sync import sync
from tests.conftest import ROOT
from tests.promises.conftest import Bench
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.test_mirror import FORKER, STEPS, TITLE
from tests.promises.trackers import server

pytestmark = [pytest.mark.promise, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def work_elsewhere(job, emit):
    """Train as on a machine with other arithmetic. Here every epoch draws other random numbers."""
    from suite.engine import epoch

    draw = epoch.set_seed
    epoch.set_seed = lambda seed, *purpose: draw(seed + 1_000, *purpose)
    work(job, emit)


@pytest.fixture(scope="module")
def trained(own, digits, tmp_path_factory) -> Path:
    """Two homes with the same two runs of `choosy`, but other weights."""
    top = tmp_path_factory.mktemp("homes")
    bench = Bench(own, digits, top)
    for name, by in (("here", work), ("there", work_elsewhere)):
        bench.work([bench.job(bench.run("choosy", top / name, seed)) for seed in (0, 1)], by=by)
    return top


@pytest.fixture
def homes(trained, tmp_path) -> list[Home]:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    found = [Home(tmp_path / name) for name in ("here", "there")]
    assert not {*weights(found[0])} & {*weights(found[1])}
    return found


@pytest.fixture
def shared(check, homes, monkeypatch, tmp_path) -> Iterator[tuple[Path, Path]]:
    """The database and artifact folder of a store that both homes use. With `-m promise` it is a real server."""
    with server(tmp_path) if check.full else nullcontext() as started:
        uri = f"http://127.0.0.1:{started.port}" if started else f"sqlite:///{tmp_path / 'shared.db'}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        if started:
            yield started.database, started.artifacts
        else:
            first = open_store(homes[0])
            yield tmp_path / "shared.db", Path(homes[0].mlruns / "artifacts")
            assert first.home == homes[0].origin()


def weights(home: Home) -> list[str]:
    results = sorted(home.runs.glob("*/*/result.json"), key=lambda path: path.parent.name)
    return [json.loads(path.read_text())["weights_sha256"] for path in results]


def send(home: Home, digits: Path) -> int:
    return sync(home, lambda _: digits, pytest.fail).sent


@pytest.mark.check(16, TITLE)
def test_two_homes_of_one_store_overwrite_nothing_of_each_other(check, chance, homes, shared, digits):
    orders = [chance.choices((0, 1), k=3) for _ in range(check.times(5, 1))]
    with check.case(len(orders)):
        first = [send(home, digits) for home in homes]
        again = [send(homes[at], digits) for order in orders for at in order]

        assert first == [2, 2]
        assert not any(again)
        for home in homes:
            assert_mirror_is_exact(home.root, *shared)
            store = open_store(home)
            assert list(finished_runs(store)["weights_sha256"]) == weights(home)  # a report shows its home's own
            [group] = read_groups(store, finished_runs(store))
            assert group.seeds == (0, 1)


@pytest.mark.check(16, TITLE)
def test_records_without_a_home_stay_with_the_home_that_made_them(check, homes, shared, digits):
    """Older versions wrote such records. The same run of another home was then never sent: it seemed to be there."""
    with check.case():
        send(homes[0], digits)
        with closing(sqlite3.connect(shared[0])) as connection, connection:
            connection.execute("DELETE FROM tags WHERE key = 'suite.home'")

        sent = [send(home, digits) for home in (homes[1], homes[0], homes[1])]

        assert sent == [2, 0, 0]
        for home in homes:
            assert_mirror_is_exact(home.root, *shared)


@pytest.mark.full
@pytest.mark.check(16, TITLE)
def test_two_homes_that_were_killed_while_they_sent_overwrite_nothing_either(check, chance, homes, shared, digits):
    deaths = [f"mirror:{step}#{1 + chance.randrange(2)}" for step in STEPS]
    chance.shuffle(deaths)
    with check.case(len(deaths)):
        open_store(homes[0])
        empty = homes[0].root / "unused.db"
        empty.touch()
        for at, death in enumerate(deaths):
            command = [sys.executable, "-c", FORKER, str(homes[at % 2].root), str(digits), f'["{death}"]', str(empty)]
            subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)

        for home in homes:
            send(home, digits)
        for home in homes:
            assert_mirror_is_exact(home.root, *shared)
