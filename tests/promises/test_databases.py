"""Check 8, MLflow's part: a damaged database is refused and not changed. Training goes on, and the run folders are
enough to rebuild it.

Optuna's database is damaged in the same ways, in the tests of studies.
"""

import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import open_store
from suite.tracking.sync import sync
from tests.conftest import Workspace, assert_refused
from tests.promises.mirrors import assert_mirror_is_exact

pytestmark = pytest.mark.promise


def text(_whole, chance):
    return "".join(chance.choices("abcdefgh \n", k=chance.randrange(1, 5_000))).encode()


def cut(whole, chance):
    return whole[: chance.randrange(1, len(whole))]


def damaged_header(whole, chance):
    """Change one letter of SQLite's signature, or all bytes of the header after it."""
    if chance.random() < 0.5:
        at = chance.randrange(16)
        return whole[:at] + bytes([whole[at] ^ chance.randrange(1, 256)]) + whole[at + 1 :]
    return whole[:16] + chance.randbytes(84) + whole[100:]


def flipped_bytes(whole, chance):
    damaged = bytearray(whole)
    for at in chance.sample(range(len(whole)), 200):
        damaged[at] ^= chance.randrange(1, 256)
    return bytes(damaged)


def empty(_whole, _chance):
    return b""


SHAPES = (text, cut, damaged_header, flipped_bytes, empty)


def database(home: Path) -> Path:
    return home / "mlruns" / "mlflow.db"


@pytest.fixture(scope="module")
def kept(own, tmp_path_factory):
    """A home with two finished runs that are in MLflow; the tests copy it."""
    home = tmp_path_factory.mktemp("kept")
    answer = Workspace(home, {"SUITE_EXPERIMENTS": str(own)}).suite("run", "plain", "choosy", "--seeds", "1",
                                                                    "--no-report")  # fmt: skip
    assert answer.code == 0, answer
    assert_mirror_is_exact(home)
    return home


@pytest.fixture
def copied(kept, own, tmp_path):
    """Makes a new copy of that home at every call."""

    def copy(name: str) -> Workspace:
        shutil.copytree(kept, tmp_path / name)
        return Workspace(tmp_path / name, {"SUITE_EXPERIMENTS": str(own)})

    return copy


@pytest.mark.check(8, "damaged databases are refused, left alone and restored (MLflow's)")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_damaged_database_is_refused_and_left_as_it_was(check, chance, kept, tmp_path, shape):
    whole = database(kept).read_bytes()
    database(tmp_path).parent.mkdir()
    for _ in range(check.times(10, 2)):
        with check.case():
            damaged = shape(whole, chance)
            database(tmp_path).write_bytes(damaged)

            with pytest.raises(SuiteError) as refused:
                open_store(Home(tmp_path))

            assert (refused.value.code, len(str(refused.value).splitlines())) == (2, 1)
            assert str(database(tmp_path)) in str(refused.value)
            assert database(tmp_path).read_bytes() == damaged
            assert {path.name for path in database(tmp_path).parent.iterdir()} == {"mlflow.db", "mlflow.db.lock"}


@pytest.mark.check(8, "damaged databases are refused, left alone and restored (MLflow's)")
def test_every_verb_refuses_it_while_runs_are_trained_and_sync_rebuilds_it(check, chance, kept, copied):
    shapes = SHAPES if check.full else [chance.choice(SHAPES)]
    damages = [(shape.__name__, shape(database(kept).read_bytes(), chance)) for shape in shapes]

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(go_through_the_verbs, copied(name), damaged) for name, damaged in damages]:
            with check.case():
                done.result()


def go_through_the_verbs(workspace: Workspace, damaged: bytes) -> None:
    file = database(workspace.home)
    file.write_bytes(damaged)

    trained = workspace.suite("run", "plain", "--seeds", "2", "--no-report")

    assert (trained.code, len(trained.err.splitlines())) == (2, 1), trained
    assert f"suite: {file} is damaged" in trained.err
    assert sum(name.startswith("plain/") for name in workspace.results()) == 2
    for verb in ("sync", "report"):
        assert_refused(workspace.suite(verb), 2, str(file), "is damaged", "--rebuild")
    assert file.read_bytes() == damaged

    rebuilt = workspace.suite("sync", "--rebuild")

    assert (rebuilt.code, rebuilt.err) == (0, ""), rebuilt
    assert assert_mirror_is_exact(workspace.home) > 0
    [aside] = workspace.home.glob("mlruns/before-rebuild-*")
    assert (aside / "mlflow.db").read_bytes() == damaged


WRITER = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")  # so that half of it is written into the database before the commit
database.execute("BEGIN")
for table in ("metrics", "latest_metrics", "params", "tags"):
    database.execute(f"UPDATE {table} SET value = 7, key = 'x' || key")
os.kill(os.getpid(), signal.SIGKILL)
"""


def break_off_a_write(home: Path) -> bytes:
    """Leave a hot journal, as a process that is killed while it writes. Returns the half-written database."""
    before = database(home).read_bytes()
    subprocess.run([sys.executable, "-c", WRITER, str(database(home))], check=False)
    assert Path(f"{database(home)}-journal").stat().st_size > 512
    assert database(home).read_bytes() != before
    return database(home).read_bytes()


@pytest.mark.check(8, "damaged databases are refused, left alone and restored (MLflow's)")
def test_a_write_that_was_killed_is_undone_when_the_database_is_opened_next(check, copied):
    for n in range(check.times(5, 1)):
        with check.case():
            home = copied(f"written-{n}").home
            break_off_a_write(home)

            open_store(Home(home))

            assert_mirror_is_exact(home)


@pytest.mark.check(8, "damaged databases are refused, left alone and restored (MLflow's)")
def test_a_journal_whose_database_is_gone_does_not_get_into_the_new_one(check, copied):
    for verb in (["sync"], ["sync", "--rebuild"])[: check.times(2, 1)]:
        with check.case():
            workspace = copied("-".join(verb))
            break_off_a_write(workspace.home)
            database(workspace.home).unlink()

            answer = workspace.suite(*verb)

            assert answer.code == 0, answer
            assert_mirror_is_exact(workspace.home)


HALF = "half"  # the moment at which the new database has some of its tables
SOME = 200_000  # bytes; it has 950,000 at the end
MAKER = """
import sys, warnings
from pathlib import Path
from suite.disk.home import Home
from suite.tracking import store
warnings.simplefilter("ignore")
store.open_store.__globals__["os"].environ.update(store.SETTINGS)
import mlflow.store.tracking.sqlalchemy_store
print("ready", flush=True)
store.open_store(Home(Path(sys.argv[1])))
print("made", flush=True)
"""


@pytest.mark.full
@pytest.mark.check(8, "damaged databases are refused, left alone and restored (MLflow's)")
def test_a_database_that_was_killed_in_the_making_is_made_again(check, chance, copied, digits):
    moments = [chance.uniform(0.0, 4.0) for _ in range(check.times(2, 0))]
    whens = [HALF, *moments, "database:made", "database:named"] if check.full else [HALF, "database:named"]
    workspaces = [copied(str(when)) for when in whens]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kill_its_maker, workspaces, whens))

    for workspace in workspaces:
        with check.case():
            sync(Home(workspace.home), lambda _: digits, pytest.fail)
            assert_mirror_is_exact(workspace.home)
            assert {path.name for path in database(workspace.home).parent.iterdir()} == {
                "artifacts", "mlflow.db", "mlflow.db.lock", "origin", "origin.lock", "runs",
            }  # fmt: skip


def kill_its_maker(workspace: Workspace, when: float | str) -> None:
    """Kill the process that makes a new database: after so many seconds, at a named step, or half-way."""
    database(workspace.home).unlink()
    shutil.rmtree(workspace.home / "mlruns" / "artifacts")
    environment = {**workspace.environment, **({"SUITE_CRASH_AT": when} if isinstance(when, str) else {})}
    command = [sys.executable, "-c", MAKER, str(workspace.home)]
    maker = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    assert maker.stdout.readline() == "ready\n"
    if when == HALF:
        while not any(one.stat().st_size > SOME for one in (workspace.home / "mlruns").rglob("mlflow.db")):
            assert maker.poll() is None
    elif not isinstance(when, str):
        time.sleep(when)
    if when == HALF or not isinstance(when, str):
        maker.send_signal(signal.SIGKILL)
    out, _ = maker.communicate(timeout=120)
    assert (maker.returncode, out) in ((-signal.SIGKILL, ""), (-signal.SIGKILL, "made\n"), (0, "made\n"))
