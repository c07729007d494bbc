"""Check 16: after any number of interruptions MLflow holds every number of the run folders once, and nothing else.

The comparison itself, in mirrors.py, is tested too: it must see every kind of fault.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from suite.disk.home import Home
from suite.tracking.sync import sync
from tests.conftest import answer_of, python
from tests.promises.mirrors import assert_mirror_is_exact

pytestmark = [pytest.mark.promise, pytest.mark.filterwarnings("ignore::ResourceWarning")]
TITLE = "MLflow holds what the run folders hold, once, and nothing is left running"


@pytest.fixture(scope="module")
def folders(own, digits, tmp_path_factory) -> Path:
    """A home without MLflow: three finished runs, a diverged run, and one that was killed while it wrote a line."""
    from tests.promises.conftest import Bench

    bench = Bench(own, digits, tmp_path_factory.mktemp("mirrored"))
    blown_up, cut_off = {"lr": 1e30}, {"lr": 0.05}
    runs = [bench.run("plain", bench.top, seed) for seed in (0, 1)] + [bench.run("choosy", bench.top)]
    jobs = [bench.job(run) for run in runs]
    jobs.append(bench.job(bench.run("plain", bench.top, **blown_up), **blown_up))
    half = bench.run("plain", bench.top, **cut_off)
    bench.work([*jobs, bench.job(half, **cut_off)])
    for name in ("result.json", "weights.safetensors", "predictions.safetensors", "checkpoint"):
        (half.folder / name).unlink()
    history = half.folder / "history.jsonl"
    history.write_bytes(history.read_bytes()[:-20])
    return bench.top


@pytest.fixture(scope="module")
def mirrored(folders, digits, tmp_path_factory) -> Path:
    """The same home, with its runs in MLflow."""
    home = tmp_path_factory.mktemp("home") / "whole"
    shutil.copytree(folders, home)
    assert send(home, digits) == 5
    assert_mirror_is_exact(home)
    return home


def send(home: Path, digits: Path) -> int:
    return sync(Home(home), lambda _: digits, pytest.fail).sent


RUN = "(SELECT run_uuid FROM tags WHERE key = 'suite.kind' AND value = 'run')"
GROUP = "(SELECT run_uuid FROM tags WHERE key = 'suite.kind' AND value = 'group')"
ONE = "WHERE rowid = (SELECT rowid FROM {table} WHERE run_uuid IN {whose} ORDER BY rowid LIMIT 1 OFFSET :n % "
ONE += "(SELECT count(*) FROM {table} WHERE run_uuid IN {whose}))"


def one(table: str, whose: str = RUN) -> str:
    """The SQL condition for one row of a table, row number `:n`."""
    return ONE.format(table=table, whose=whose)


def another_run(tag: str) -> list[str]:
    """SQL that copies the first run with this tag, tags included."""
    first = f"(SELECT min(run_uuid) FROM tags WHERE key = '{tag}')"
    return [
        "INSERT INTO runs SELECT 'x', name, source_type, source_name, entry_point_name, user_id, status, start_time, "
        "end_time, source_version, lifecycle_stage, artifact_uri, experiment_id, deleted_time "
        f"FROM runs WHERE run_uuid = {first}",
        f"INSERT INTO tags SELECT key, value, 'x' FROM tags WHERE run_uuid = {first}",
    ]


AGAIN = "INSERT INTO metrics SELECT key, {value}, {at}, run_uuid, {step}, is_nan FROM metrics "
FAULTS = {
    "a value is missing": [f"DELETE FROM metrics {one('metrics')}"],
    "a value stands there twice": [AGAIN.format(value="value", at="timestamp + 1", step="step") + one("metrics")],
    "a step has a second value": [AGAIN.format(value="value + 1", at="timestamp", step="step") + one("metrics")],
    "a value is another": [f"UPDATE metrics SET value = value + 1e-9 {one('metrics')}"],
    "a value is at another step": [f"UPDATE metrics SET step = step + 100 {one('metrics')}"],
    "a value has another name": [f"UPDATE metrics SET key = key || '_' {one('metrics')}"],
    "a value is infinite": [f"UPDATE metrics SET value = 1.7976931348623157e308 {one('metrics')}"],
    "a value is no number": [f"UPDATE metrics SET is_nan = 1 {one('metrics')}"],
    "a latest value is an earlier one": [f"UPDATE latest_metrics SET value = value - 1 {one('latest_metrics')}"],
    "a mean is another": [f"UPDATE latest_metrics SET value = value + 1e-6 {one('latest_metrics', GROUP)}"],
    "a mean stands there twice": [AGAIN.format(value="value", at="timestamp + 1", step="step") + one("metrics", GROUP)],
    "a parameter is missing": [f"DELETE FROM params {one('params')}"],
    "a parameter is another": [f"UPDATE params SET value = value || '0' {one('params')}"],
    "a run is left running": [f"UPDATE runs SET status = 'RUNNING' {one('runs')}"],
    "a run ended otherwise": [f"UPDATE runs SET status = 'SCHEDULED' {one('runs')}"],
    "a run is thrown away": [f"UPDATE runs SET lifecycle_stage = 'deleted' {one('runs')}"],
    "a run is there twice": another_run("suite.run"),
    "a parent is there twice": another_run("suite.group"),
    "a run has no parent": [f"UPDATE tags SET value = 'x' {one('tags')} AND key = 'mlflow.parentRunId'",
                            "DELETE FROM tags WHERE key = 'mlflow.parentRunId'"],
    "a run is of no folder": [f"UPDATE tags SET value = 'x' || value WHERE key = 'suite.run' AND run_uuid IN {RUN}"],
}  # fmt: skip


@pytest.mark.check(16, TITLE)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_comparison_sees_it_when(check, chance, mirrored, tmp_path, fault):
    for _ in range(check.times(5, 1)):
        database = tmp_path / "mlflow.db"
        shutil.copy(mirrored / "mlruns" / "mlflow.db", database)
        artifacts = mirrored / "mlruns" / "artifacts"
        assert_mirror_is_exact(mirrored, database, artifacts)
        with check.case():
            with closing(sqlite3.connect(database)) as connection, connection:
                for statement in FAULTS[fault]:
                    connection.execute(statement, {"n": chance.randrange(1_000_000)})

            with pytest.raises(AssertionError, match="faults in the mirror"):
                assert_mirror_is_exact(mirrored, database, artifacts)


FORKER = """
import json, os, random, shutil, signal, sys, time, warnings
from pathlib import Path
from suite.disk import crash
from suite.disk.home import Home
from suite.tracking.recorder import prepare
from suite.disk.journal import begun_runs, whole_runs
from suite.tracking.sync import sync
from suite.tracking import store

warnings.simplefilter("ignore")
home, digits, deaths, empty = Home(Path(sys.argv[1])), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
os.environ.update(store.SETTINGS)
import mlflow.store.tracking.sqlalchemy_store
for run in whole_runs(begun_runs(home.runs), print):
    prepare(run, lambda _: digits)
for death in deaths:
    child = os.fork()
    if not child:
        if isinstance(death, str):
            os.environ["SUITE_CRASH_AT"] = death
        sync(home, lambda _: digits, print)
        os._exit(0)
    if not isinstance(death, str):
        time.sleep(death)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not code:  # all was sent: the next one begins anew, or there would be nothing to interrupt
        shutil.copy(empty, home.mlruns / "mlflow.db")
    print(code)
"""
STEPS = ("begin", "grouped", "created", "described", "epochs", "artifact", "sent", "end")


@pytest.mark.full
@pytest.mark.check(16, TITLE)
def test_a_mirror_that_was_killed_again_and_again_is_exact_in_the_end(
    check, chance, folders, mirrored, digits, tmp_path
):
    for n in range(check.times(4)):
        home = tmp_path / str(n)
        shutil.copytree(folders, home)
        empty = empty_database(mirrored, tmp_path / f"empty{n}.db")
        if n % 2 == 0:  # in the other homes the database is made while the kills happen
            shutil.copy(empty, home / "mlruns" / "mlflow.db")
        steps = [f"mirror:{step}#{1 + chance.randrange(2)}" for step in STEPS]
        deaths = [*steps, *(chance.uniform(0.0, 0.6) for _ in range(6))]
        chance.shuffle(deaths)
        deaths.append("mirror:created#1")  # so that at the last kill some run is sent only in part
        with check.case(len(deaths)):
            found = answer_of(python("-c", FORKER, str(home), str(digits), json.dumps(deaths), str(empty)))

            assert found.code == 0, found
            assert set(found.out.split()) <= {"0", "-9"}, found
            assert found.out.split().count("-9") > len(deaths) // 3  # otherwise too few kills hit the work
            send(home, digits)
            assert_mirror_is_exact(home)


def empty_database(mirrored: Path, database: Path) -> Path:
    """A copy of MLflow's database with empty tables. It is a copy because making a new one takes seconds."""
    shutil.copy(mirrored / "mlruns" / "mlflow.db", database)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("metrics", "latest_metrics", "params", "tags", "inputs", "input_tags", "datasets", "runs"):
            connection.execute(f"DELETE FROM {table}")
    return database


@pytest.mark.check(16, TITLE)
def test_a_parent_that_gets_more_seeds_holds_each_figure_once_for_each_number_of_them(
    check, folders, mirrored, digits, tmp_path
):
    shutil.copytree(folders, tmp_path, dirs_exist_ok=True)
    empty_database(mirrored, tmp_path / "mlruns" / "mlflow.db")
    [second] = tmp_path.glob("mlruns/runs/plain/*-s1")
    second.rename(tmp_path / "later")
    with check.case():
        send(tmp_path, digits)
        (tmp_path / "later").rename(second)

        send(tmp_path, digits)

        assert_mirror_is_exact(tmp_path)


@pytest.mark.check(16, TITLE)
def test_a_crash_between_the_result_and_the_end_of_a_run_is_made_up_for(check, mirrored, digits, tmp_path):
    shutil.copytree(mirrored, tmp_path, dirs_exist_ok=True)
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as connection, connection:
        connection.execute(f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid IN {RUN}")
    with check.case():
        send(tmp_path, digits)

        assert_mirror_is_exact(tmp_path)
