"""Runs that are missing in MLflow are sent from the run folders. Damaged ones are named and do not stop others."""

import os
import shutil

import pytest

from suite.disk.home import Home
from suite.runs import artifacts
from suite.tracking import recorder
from suite.tracking import settled as notes
from suite.tracking.frame import finished_runs
from suite.tracking.store import open_store
from suite.tracking.sync import sync

pytestmark = pytest.mark.mlflow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("synced"))


def said_by(home, folder):
    lines = []
    sent = sync(home, lambda _: folder, lines.append).sent
    return sent, lines


def test_only_what_is_missing_is_sent_and_damage_is_named(home, folder, trained):
    good, bad = trained(seed=0), trained(seed=1)
    trained(seed=2, epochs=3, stop_after=1)
    predictions = bad.folder / "predictions.safetensors"
    predictions.write_bytes(predictions.read_bytes()[:-1])

    first = said_by(home, folder)
    again = said_by(home, folder)

    runs = finished_runs(open_store(home))
    assert first[0] == 2  # the finished run, and the epochs of the half-done run
    assert again[0] == 1  # the half-done run again, because it has no result yet
    assert list(runs["seed"]) == [good.seed]
    assert len(first[1]) == 1
    assert str(predictions) in first[1][0]


def test_a_run_that_another_process_trains_is_left_to_it(home, folder, trained):
    run = trained(seed=0, epochs=3, stop_after=1)

    with run.claim():
        during = said_by(home, folder)
    after = said_by(home, folder)

    assert after[0] == during[0] + 1


def test_a_lost_database_is_written_anew_with_the_same_figures(home, folder, trained, tmp_path):
    trained(seed=0)
    said_by(home, folder)
    bereft = Home(tmp_path)
    shutil.copytree(home.runs, bereft.runs)

    said_by(bereft, folder)

    figures = ["test/accuracy", "test/loss", "train/last_loss", "seed", "weights_sha256"]
    anew, before = (finished_runs(open_store(one))[figures] for one in (bereft, home))
    assert len(before) >= 1
    assert anew.equals(before)


def test_a_complete_run_that_lacks_a_picture_gets_it_later(home, folder, trained, monkeypatch):
    def fail(*_):
        raise ValueError("too large")

    run = trained(seed=5)
    with monkeypatch.context() as broken:
        broken.setattr(artifacts.pictures, "confusion", fail)
        first = said_by(home, folder)
    same_command = said_by(home, folder)
    monkeypatch.setattr(recorder, "_drawn", set())  # as in a new process
    later, at_last = said_by(home, folder), said_by(home, folder)

    assert [line for line in first[1] if f"{run.name} is finished, without confusion.png (ValueError" in line]
    assert later[0] == same_command[0] + 1
    assert at_last[0] == same_command[0]
    assert (run.folder / "artifacts" / "confusion.png").exists()
    assert run.seed in list(finished_runs(open_store(home))["seed"])


class Opened(Exception):
    """The record was opened."""


def opens(home, folder):
    """Whether a sync of this home opens the record."""

    def refuse():
        raise Opened

    try:
        return sync(home, lambda _: folder, pytest.fail, refuse).sent > 0
    except Opened:
        return True


def put(run, home):
    shutil.copytree(run.folder, home.runs / run.folder.parent.name / run.folder.name)


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A home of its own, in whose record nothing is missing after `settle`."""
    return Home(tmp_path_factory.mktemp("settled"))


def settle(home, folder):
    """Send all that is missing until there is nothing to ask; what a sync writes, the next one must look at."""
    for _ in range(3):
        said_by(home, folder)
    assert not opens(home, folder)


def test_nothing_is_asked_where_all_was_complete_and_nothing_changed(settled, folder, trained):
    put(trained(), settled)
    assert said_by(settled, folder) == (1, [])
    assert opens(settled, folder), "what was written since may not be what was asked for"
    assert said_by(settled, folder) == (0, [])

    assert not opens(settled, folder)
    assert said_by(settled, folder) == (0, [])


def test_a_run_that_was_deleted_in_the_record_is_sent_again(settled, folder):
    settle(settled, folder)
    store = open_store(settled)
    store.client.delete_run(finished_runs(store)["run_id"].iloc[0])

    assert said_by(settled, folder) == (1, [])


def test_what_is_written_to_the_record_is_seen_though_its_time_and_size_stay(settled, folder):
    settle(settled, folder)
    path = settled.mlruns / "mlflow.db"
    before, store = path.stat(), open_store(settled)
    store.client.set_tag(finished_runs(store)["run_id"].iloc[0], "suite.complete", "none")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_size == before.st_size
    assert opens(settled, folder)


def test_the_note_has_the_ids_of_all_runs(settled, folder):
    settle(settled, folder)

    ids = sync(settled, lambda _: folder, pytest.fail).runs

    assert set(ids) == {path.name for path in settled.runs.glob("*/*") if path.is_dir()}
    assert {*finished_runs(open_store(settled))["run_id"]} == {*ids.values()}


def a_run(home, trained):
    put(trained(seed=1), home)


def a_study(home, _):
    home.studies.mkdir()
    (home.studies / "one.json").write_text('{"study": "one", "outcome": {}}')


def a_transaction(home, _):
    (home.mlruns / "mlflow.db-journal").touch()


@pytest.mark.parametrize("change", [a_run, a_study, a_transaction])
def test_the_record_is_asked_after_any_change(settled, folder, trained, change):
    (settled.mlruns / "mlflow.db-journal").unlink(missing_ok=True)
    shutil.rmtree(settled.studies, ignore_errors=True)
    settle(settled, folder)

    change(settled, trained)

    assert opens(settled, folder)


def test_another_record_and_another_place_are_asked(settled, folder, monkeypatch, tmp_path):
    (settled.mlruns / "mlflow.db-journal").unlink(missing_ok=True)
    settle(settled, folder)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
        assert opens(settled, folder)
    assert not opens(settled, folder)

    shutil.copytree(settled.mlruns, tmp_path / "moved" / "mlruns")
    assert opens(Home(tmp_path / "moved"), folder)


def test_a_home_whose_run_lacks_a_picture_is_not_settled_where_this_process_tried_to_draw_it(
    settled, folder, trained, monkeypatch
):
    def fail(*_):
        raise ValueError("too large")

    bare = trained(seed=4)
    put(bare, settled)
    with monkeypatch.context() as broken:
        broken.setattr(artifacts.pictures, "confusion", fail)
        for _ in range(3):
            said_by(settled, folder)
    monkeypatch.setattr(recorder, "_drawn", set())  # as in a new process

    assert opens(settled, folder)
    assert said_by(settled, folder)[0] == 1


def test_a_home_with_a_run_that_is_not_finished_is_never_settled(settled, folder, trained):
    put(trained(seed=2, epochs=3, stop_after=1), settled)

    for _ in range(3):
        assert said_by(settled, folder) == (1, [])


def test_a_note_that_cannot_be_written_or_read_costs_nothing(tmp_path):
    home = Home(tmp_path)
    (home.mlruns / "settled.json").mkdir(parents=True)

    notes.write(home, notes.Note("0" * 64))

    assert notes.read(home) == notes.Note()


def test_a_damaged_run_is_named_each_time(settled, folder, trained):
    for half in [path for path in settled.runs.glob("*/*-s2") if path.is_dir()]:
        shutil.rmtree(half)
    bad = trained(seed=3)
    (bad.folder / "predictions.safetensors").write_bytes(b"")
    put(bad, settled)

    for _ in range(3):
        [line] = said_by(settled, folder)[1]
        assert "predictions.safetensors" in line
    shutil.rmtree(settled.runs / bad.folder.parent.name / bad.folder.name)


def test_a_lost_record_is_made_anew(settled, folder):
    settle(settled, folder)

    (settled.mlruns / "mlflow.db").unlink()  # the last test here: MLflow keeps it open

    assert opens(settled, folder)
