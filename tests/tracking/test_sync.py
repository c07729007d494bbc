"""Runs that are missing in MLflow are sent from the run folders. Damaged ones are named and do not stop others."""

import shutil

import pytest

from suite.disk.home import Home
from suite.runs import artifacts
from suite.tracking import recorder
from suite.tracking.frame import finished_runs
from suite.tracking.store import open_store
from suite.tracking.sync import sync

pytestmark = pytest.mark.mlflow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("synced"))


def said_by(home, folder):
    lines = []
    sent = sync(home, lambda _: folder, lines.append)
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
