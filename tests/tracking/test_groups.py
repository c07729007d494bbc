"""Groups read from a real MLflow store, on disk and behind a server. Damaged artifacts do not stop a report."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from suite.analysis.confusion import confusion
from suite.data.catalog import CATALOG, data_set
from suite.disk.documents import document
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.reporting import write_report
from suite.reporting.gaps import find_gaps
from suite.runs import artifacts
from suite.tracking import groups as reading
from suite.tracking.fetching import fetch
from suite.tracking.frame import finished_runs, unfinished_runs
from suite.tracking.groups import read_groups
from suite.tracking.mirror import Mirror
from suite.tracking.store import open_store
from suite.tracking.sync import sync
from tests.promises.trackers import server
from tests.reporting.many_runs import grow, planned, trained

pytestmark = pytest.mark.mlflow
SEEDS = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The only trained run; all others are copies of it."""
    return trained(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def record(whole, tmp_path_factory):
    """Two experiments with three seeds each, in MLflow on disk. Tests must not change it."""
    home = Home(tmp_path_factory.mktemp("home"))
    grow(home, whole, 2 * SEEDS, SEEDS)
    return home


@pytest.fixture
def home(record, tmp_path):
    """A copy of the record, which a test may damage."""
    shutil.copytree(record.root, tmp_path / "copy")
    return Home(tmp_path / "copy")


def artifact(home, run_id, name):
    return home.mlruns / "artifacts" / run_id / "artifacts" / name


def stored_by(home):
    """The predictions in the run folders of the first experiment."""
    runs = [run for run, _ in planned(home, SEEDS, SEEDS)]
    return [load_file(run.folder / "predictions.safetensors") for run in runs]


def assert_predictions_of(home, group):
    stored = stored_by(home)
    assert np.array_equal(group.predicted, [one["predicted"] for one in stored])
    assert np.array_equal(group.confidence, [one["confidence"] for one in stored])
    assert np.array_equal(group.labels, stored[0]["label"])
    rights = (group.predicted == group.labels).mean(axis=1)
    assert np.allclose(rights, [run["test/accuracy"] for run in group.runs])
    assert group.confusion.sum() == len(group.labels)


def test_predictions_are_read_when_asked_for_and_once(record, monkeypatch):
    asked = []
    monkeypatch.setattr(reading, "fetch", lambda *words: asked.append(words[2]) or fetch(*words))
    store = open_store(record)

    groups = read_groups(store, finished_runs(store))
    before = [name for names in asked for name in names]
    for _ in range(3):
        assert_predictions_of(record, groups[0])

    assert "predictions.safetensors" not in before
    assert [names for names in asked if "predictions.safetensors" in names] == [["predictions.safetensors"]]
    assert [one.seeds for one in groups] == [(0, 1, 2)] * 2


def test_histories_have_the_seconds_so_far(record):
    store = open_store(record)
    [first, *_] = read_groups(store, finished_runs(store))

    for run, history in zip(first.runs, first.histories, strict=True):
        assert history[-1]["cumulative_train_seconds"] == pytest.approx(run["perf/train_seconds"])


def test_the_store_is_asked_as_often_for_many_runs_as_for_few(record, monkeypatch):
    """Reports were slow once, because the database was asked four times for each file of each run."""
    store = open_store(record)
    runs = finished_runs(store)
    for name in ("get_run", "list_artifacts", "download_artifacts", "search_runs"):
        monkeypatch.setattr(store.client, name, lambda *_words, **_named: pytest.fail("the store was asked"))

    assert len(read_groups(store, runs)) == 2


@pytest.mark.parametrize("how", ["missing", "cut short", "a folder"])
def test_damaged_predictions_leave_the_group_without_any(home, how):
    store = open_store(home)
    runs = finished_runs(store)
    path = artifact(home, runs["run_id"][1], "predictions.safetensors")
    contents = path.read_bytes()
    path.unlink()
    if how == "cut short":
        path.write_bytes(contents[:-1])
    elif how == "a folder":
        path.mkdir()

    first, second = read_groups(store, runs)

    assert first.predicted is first.confidence is first.labels is None
    assert first.seeds == (0, 1, 2)
    assert second.predicted.shape == (3, len(second.labels))


def test_a_run_with_a_damaged_matrix_is_left_out_and_named(home):
    store = open_store(home)
    runs = finished_runs(store)
    artifact(home, runs["run_id"][1], "confusion.csv").write_text("nothing of the kind")

    groups = read_groups(store, runs)

    assert [one.seeds for one in groups] == [(0, 2), (0, 1, 2)]
    [gap] = find_gaps(store, runs, groups)
    assert (gap.title, gap.damaged, gap.missing) == (groups[0].title, (1,), ())


def test_runs_without_a_result_are_told_by_their_status(home, whole):
    store = open_store(home)
    begun = [run for run, _ in planned(home, 4 * SEEDS, SEEDS)][2 * SEEDS :]
    for run, status in zip(begun, ("running", "interrupted", "failed"), strict=False):
        shutil.copytree(whole.folder, run.folder)
        names = {"experiment": run.experiment, "identity": run.identity, "seed": run.seed}
        (run.folder / "recipe.json").write_bytes(document({**whole.recipe(), **names}))
        Mirror(store).send(run, None, status)

    found = unfinished_runs(store, finished_runs(store))

    assert dict(zip(found["seed"], found["status"], strict=True)) == {0: "running", 1: "interrupted", 2: "failed"}
    assert set(found["experiment"]) == {"experiment_2"}


def test_a_server_gives_the_same_groups(whole, tmp_path, monkeypatch):
    home = Home(tmp_path / "home")
    with server(tmp_path) as running:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{running.port}")
        grow(home, whole, SEEDS, SEEDS)
        store = open_store(home)
        [group] = read_groups(store, finished_runs(store))

        assert_predictions_of(home, group)
        assert len(group.histories) == SEEDS
        assert all(group.histories)
        assert group.layers
        assert group.samples == (whole.folder / "artifacts" / "samples.png").read_bytes()
        assert fetch(store, [group.runs[0]["artifact_uri"]], ["nothing.csv"]) == [{}]


CLASSES = tuple(f"{letter} $kana$" for letter in "おきすつなはまやれをんか")


@pytest.fixture
def of_tomorrow(home):
    """The record, changed as if a newer program had run the second experiment on a data set with twelve classes."""
    database = sqlite3.connect(home.mlruns / "mlflow.db")
    sent = "run_uuid in (select run_uuid from tags where key = 'suite.experiment' and value = 'experiment_1')"
    with contextlib.closing(database), database:
        ours = [name for (name,) in database.execute(f"select run_uuid from runs where {sent}")]
        database.execute(f"update params set value = 'kmnist/../x' where key = 'data' and {sent}")
        title = 'Kuzushiji \\"K\\"'
        database.execute("update datasets set dataset_source = replace(dataset_source, 'Digits', ?)", [title])
    for name in ours:
        if artifact(home, name, "confusion.csv").exists():
            stored = load_file(artifact(home, name, "predictions.safetensors"))
            stored["label"][0] = stored["predicted"][1] = 11
            save_file(stored, artifact(home, name, "predictions.safetensors"))
            counts = confusion(stored["label"], stored["predicted"], len(CLASSES))
            artifacts._write_confusion(artifact(home, name, "confusion.csv"), counts, CLASSES)
    return home


def test_a_run_on_a_data_set_of_tomorrow_is_reported_with_its_own_classes_and_title(of_tomorrow, tmp_path):
    store = open_store(of_tomorrow)

    written = write_report(store, tmp_path / "reports")

    page, note = ((tmp_path / "reports" / name).read_text() for name in ("report.html", "report.md"))
    classes = (tmp_path / "reports" / "classes.csv").read_text()
    assert all(name in page and name in classes for name in CLASSES)
    assert "Kuzushiji &#34;K&#34; (8 × 8, scikit-learn)" in page
    assert "Kuzushiji" in note
    assert [row["data"] for row in written.tables["accuracy"].rows] == ["digits", "kmnist/../x"]
    assert not (tmp_path / "x").exists()


def test_without_a_title_in_the_record_a_data_set_of_tomorrow_has_its_name(of_tomorrow):
    store = open_store(of_tomorrow)
    runs = finished_runs(store).assign(data_title="")

    known, unknown = read_groups(store, runs)

    assert (known.data_title, unknown.data_title) == (CATALOG["digits"].title, "kmnist/../x")
    assert (len(known.classes), unknown.classes) == (10, CLASSES)


def test_runs_of_one_recipe_with_other_classes_than_most_are_left_out(of_tomorrow):
    store = open_store(of_tomorrow)
    runs = finished_runs(store)
    artifact(of_tomorrow, runs["run_id"][4], "confusion.csv").write_text("t,a,b\na,3,1\nb,0,2\n")

    _, unknown = read_groups(store, runs)

    assert (unknown.seeds, unknown.classes) == ((0, 2), CLASSES)


def test_a_run_folder_on_a_data_set_of_tomorrow_is_named_and_not_sent(home, whole, tmp_path):
    run, facts = Run.under(home.runs, "tomorrow", "f" * 64, 0), whole.recipe()
    shutil.copytree(whole.folder, run.folder)
    names = {
        "experiment": run.experiment,
        "identity": run.identity,
        "recipe": {**facts["recipe"], "data": "kmnist-2027"},
    }
    (run.folder / "recipe.json").write_bytes(document({**facts, **names}))
    (run.folder / "result.json").unlink()
    said = []

    sent = sync(home, lambda name: data_set(name) and tmp_path, said.append).sent

    assert sent == 0
    assert [line for line in said if "kmnist-2027" in line and "tomorrow" in line]


REPORT = """
import sys
from pathlib import Path
from suite.analysis.intervals import group
from suite.disk.home import Home
from suite.reporting import write_report
from suite.tracking.store import open_store

if __name__ == "__main__":
    written = write_report(open_store(Home(Path(sys.argv[1]))), Path(sys.argv[2]))
    assert "comparisons" in written.tables
    assert "scipy.special" in sys.modules
    sys.exit("scipy.stats" in sys.modules)
"""


@pytest.mark.promise
@pytest.mark.full
def test_a_report_does_without_scipy_stats_which_takes_seconds_to_load(record, tmp_path):
    (tmp_path / "report.py").write_text(REPORT)
    command = [sys.executable, str(tmp_path / "report.py"), str(record.root), str(tmp_path / "reports")]

    answer = subprocess.run(command, capture_output=True, text=True)

    assert (answer.returncode, answer.stderr) == (0, "")
