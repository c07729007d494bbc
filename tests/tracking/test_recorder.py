"""The thread that copies run folders: what it sends to the tracker, how long it waits, and what it prints."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from suite.disk.home import Home
from suite.disk.journal import Run
from suite.errors import SuiteError
from suite.runs.plan import Planned
from suite.tracking import recorder
from suite.tracking.recorder import Recorder
from suite.tracking.store import TrackerAway
from tests.conftest import ROOT

LENET, MLP = (Run(name, "0" * 64, 0, Path(f"/nowhere/{name}")) for name in ("lenet", "mlp"))


class Tracker:
    """Takes the place of everything outside the recorder: store, mirror and run folders."""

    def __init__(self, monkeypatch):
        self.sent, self.said, self.prepared, self.opened = [], [], [], 0
        self.results, self.broken = {}, {}
        self.open_error = self.send_error = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        monkeypatch.setattr(recorder, "open_store", self.open)
        monkeypatch.setattr(recorder, "Mirror", lambda _store, answered: self.mirror(answered))
        monkeypatch.setattr(recorder, "prepare", self.prepare)

    def recorder(self):
        return Recorder(Home(Path("/nowhere")), Path, self.said.append)

    def open(self, _home, asks):
        self.opened += 1
        if self.open_error:
            raise self.open_error
        asks()
        return "store"

    def mirror(self, answered):
        self.answered = answered
        return self

    def prepare(self, run, _folders):
        self.prepared.append(run)
        if run in self.broken:
            raise self.broken[run]
        return self.results.get(run)

    def send(self, run, result, status):
        self.may_answer.wait(30)
        if self.send_error:
            raise self.send_error
        self.sent.append((run.experiment, result, status))
        return f"id of {run.experiment}"


@pytest.fixture
def tracker(monkeypatch):
    return Tracker(monkeypatch)


def wait_until(true):
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_of_interrupted_runs_those_are_sent_that_have_written_their_recipe(tracker, tmp_path):
    """The others have an empty folder, which is not damaged: there is nothing to send, and nothing to say."""
    planned = [Planned(None, Run(name, "0" * 64, 0, tmp_path / name), "interrupted") for name in ("early", "late")]
    for one in planned:
        one.run.folder.mkdir()
    (tmp_path / "late" / "recipe.json").touch()

    with tracker.recorder() as one:
        one.hear_interrupted(planned)

    assert [name for name, *_ in tracker.sent] == ["late"]
    assert tracker.said == []


def test_what_is_noted_is_sent_and_its_id_is_known(tracker):
    with tracker.recorder() as noted:
        noted.note(LENET)
        noted.note(MLP, "failed")

    assert tracker.sent == [("lenet", None, "running"), ("mlp", None, "failed")]
    assert noted.ids == {LENET.folder: "id of lenet", MLP.folder: "id of mlp"}
    assert tracker.opened == 1
    assert noted.usable
    assert tracker.said == []


def test_what_is_noted_often_while_the_tracker_is_busy_is_sent_once_with_the_last_word(tracker):
    tracker.may_answer.clear()
    with tracker.recorder() as noted:
        noted.note(LENET)
        wait_until(lambda: tracker.opened)
        wait_until(lambda: tracker.prepared)
        for status in ("running", "running", "interrupted"):
            noted.note(MLP, status)
        tracker.may_answer.set()

    assert tracker.sent == [("lenet", None, "running"), ("mlp", None, "interrupted")]


def test_a_run_is_not_sent_again_after_its_result(tracker):
    tracker.results[LENET] = {"status": "finished"}
    with tracker.recorder() as noted:
        for times in (1, 2, 3):
            noted.note(LENET)
            wait_until(lambda times=times: len(tracker.sent) == 1 or times == 1)

    assert tracker.sent == [("lenet", {"status": "finished"}, "running")]
    assert tracker.prepared == [LENET]


def test_a_tracker_that_is_away_is_named_once_and_tried_again_later(tracker, monkeypatch):
    monkeypatch.setattr(recorder, "AGAIN", 0.0)
    tracker.open_error = TrackerAway("refused")
    with tracker.recorder() as noted:
        for run in (LENET, MLP):
            noted.note(run)
            wait_until(lambda run=run: run in tracker.prepared)
        wait_until(lambda: tracker.opened == 2)
        tracker.open_error = None
        noted.note(LENET, "failed")

    assert tracker.sent == [("lenet", None, "failed")]
    assert len(tracker.said) == 1
    assert "refused" in tracker.said[0]
    assert "python -m suite sync" in tracker.said[0]
    assert noted.usable


def test_pictures_are_drawn_while_the_tracker_is_away_and_it_is_left_in_peace(tracker):
    tracker.send_error = TrackerAway("broken pipe")
    with tracker.recorder() as noted:
        noted.note(LENET)
        wait_until(lambda: noted.away)
        noted.note(MLP)

    assert tracker.prepared == [LENET, MLP]
    assert tracker.opened == 1
    assert tracker.sent == []


def test_a_damaged_database_is_given_up_and_is_the_commands_trouble(tracker):
    tracker.open_error = SuiteError("mlflow.db is damaged.")
    with tracker.recorder() as noted:
        noted.note(LENET)
        wait_until(lambda: noted.trouble)
        noted.note(MLP)

    assert (noted.trouble, noted.usable, tracker.opened) == (tracker.open_error, False, 1)
    assert tracker.said == ["mlflow.db is damaged."]


def test_a_damaged_run_is_trouble_and_the_others_are_sent(tracker):
    tracker.broken[LENET] = SuiteError("history.jsonl is damaged.")
    with tracker.recorder() as noted:
        noted.note(LENET)
        noted.note(MLP)

    assert noted.trouble is tracker.broken[LENET]
    assert noted.usable
    assert [name for name, *_ in tracker.sent] == ["mlp"]


def test_a_tracker_that_hangs_is_left_hanging_at_the_end(tracker, monkeypatch):
    monkeypatch.setattr(recorder, "PATIENCE", 0.3)
    tracker.may_answer.clear()

    with tracker.recorder() as noted:
        noted.note(LENET)
        wait_until(lambda: tracker.prepared)

    assert noted.hangs
    assert not noted.usable
    assert len(tracker.said) == 1
    assert "no answer" in tracker.said[0]
    tracker.may_answer.set()


@pytest.mark.slow
def test_a_tracker_that_is_slow_but_answers_does_not_hang(tracker, monkeypatch):
    monkeypatch.setattr(recorder, "PATIENCE", 0.5)

    def send(*_):
        for _ in range(8):
            time.sleep(0.1)
            tracker.answered()
        return "id"

    monkeypatch.setattr(tracker, "send", send)
    with tracker.recorder() as noted:
        noted.note(LENET)

    assert noted.usable
    assert noted.ids == {LENET.folder: "id"}


@pytest.mark.slow
def test_neither_pictures_nor_a_new_database_are_taken_for_a_hanging_tracker(tracker, monkeypatch):
    monkeypatch.setattr(recorder, "PATIENCE", 0.2)
    slow_open, slow_prepare = tracker.open, tracker.prepare
    monkeypatch.setattr(recorder, "open_store", lambda home, asks: (time.sleep(0.6), slow_open(home, asks))[1])
    monkeypatch.setattr(recorder, "prepare", lambda run, folders: (time.sleep(0.6), slow_prepare(run, folders))[1])

    with tracker.recorder() as noted:
        noted.note(LENET)
        noted.note(MLP)

    assert not noted.hangs
    assert len(tracker.sent) == 2


def test_an_interrupted_command_waits_shortly_and_sends_only_how_runs_ended(tracker, monkeypatch):
    monkeypatch.setattr(recorder, "HURRY", 0.3)
    tracker.may_answer.clear()
    noted = tracker.recorder()
    noted.__enter__()
    noted.note(LENET)
    wait_until(lambda: tracker.prepared)

    noted.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # as at the end of a `with` block

    noted.note(LENET, "interrupted")
    noted.note(MLP)
    tracker.may_answer.set()

    wait_until(lambda: len(tracker.sent) == 2)
    assert [status for *_, status in tracker.sent] == ["running", "interrupted"]
    assert tracker.said == []


LEFT = """
import atexit, threading, time
import suite.cli
from suite.__main__ import main
atexit.register(print, "tidied up")
threading.Thread(target=time.sleep, args=[60], daemon=True).start()
suite.cli.main = lambda: print("said", end="") or 7
main()
"""


def test_a_command_that_leaves_a_hanging_thread_behind_ends_at_once_with_its_own_exit_code():
    ended = subprocess.run([sys.executable, "-c", LEFT], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "said", "")


def test_a_run_that_cannot_be_sent_keeps_no_other_from_being_sent_and_is_the_commands_trouble(tracker):
    tracker.broken[LENET] = ValueError("of a library")
    with tracker.recorder() as noted:
        noted.note(LENET)
        noted.note(MLP)

    assert tracker.sent == [("mlp", None, "running")]
    assert noted.trouble.code == 3
    assert "lenet-s0 could not be copied to MLflow (ValueError: of a library)" in tracker.said[0]


@pytest.fixture
def loading(tracker, monkeypatch):
    """Takes the place of MLflow's import, which does not end before `may_end` is set; the recorder that loads ahead."""
    may_end, loaded = threading.Event(), []

    def load():
        loaded.append("MLflow")
        may_end.wait(30)
        raise ImportError

    monkeypatch.setattr(recorder, "load_mlflow", load)
    monkeypatch.setattr(recorder.canvas, "load", lambda: loaded.append("matplotlib"))
    return Recorder(Home(Path("/nowhere")), Path, tracker.said.append, ahead=True), loaded, may_end


def test_the_libraries_are_loaded_before_there_is_a_run_and_their_errors_are_for_later(loading, tracker):
    ahead, loaded, may_end = loading

    with ahead as copies:
        wait_until(lambda: loaded == ["MLflow"])
        copies.note(LENET)
        may_end.set()

    assert loaded == ["MLflow", "matplotlib"]
    assert tracker.sent == [("lenet", None, "running")]
    assert (tracker.said, copies.trouble) == ([], None)


@pytest.mark.parametrize("news", [False, True])
def test_an_interrupted_command_waits_for_the_libraries_only_if_there_is_a_run_to_copy(
    loading, tracker, monkeypatch, news
):
    ahead, loaded, may_end = loading
    monkeypatch.setattr(recorder, "HURRY", 20)

    def command():
        with ahead as copies:
            wait_until(lambda: loaded == ["MLflow"])
            if news:
                copies.note(LENET, "interrupted")
                threading.Timer(0.2, may_end.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command()

    assert may_end.is_set() is news
    assert tracker.sent == ([("lenet", None, "interrupted")] if news else [])
    may_end.set()
