"""A call is a guest in the caller's process: it changes nothing there, and Ctrl-C leaves everything to be continued."""

import inspect
import json
import os
import re
import signal
import threading

import pytest

import suite
from suite.api import calls, deciding, preparing, using
from tests.api import caller
from tests.conftest import SLOW, Workspace, answer_of, furnish, python

QUICK = SLOW.replace("time.sleep(0.01)", "pass").replace("epochs=6", "epochs=1")
FEW = ("Session", "experiment", "show", "run", "load", "predict", "SuiteError")


def changed_by_calls(tmp_path, how, names=(), **more):
    """What each call of the program `tests.api.caller` changed in its process; `more` of its environment."""
    caller.prepare(tmp_path, QUICK)
    (tmp_path / "home").mkdir()
    furnish(tmp_path / "home")
    environment = {**Workspace(tmp_path / "home").environment, "DO_NOT_TRACK": "true", **more}
    answer = answer_of(python("-m", "tests.api.caller", how, str(tmp_path), *names, environment=environment), 3000)
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.mlflow
def test_nothing_of_a_process_that_uses_the_libraries_itself_is_changed(tmp_path):
    found = changed_by_calls(tmp_path, "loaded", FEW)

    assert found == {name: [] for name in FEW}


def test_every_call_promises_it():
    public = [
        one
        for room in (calls, deciding, preparing, using)
        for one in vars(room).values()
        if inspect.isfunction(one) and one.__module__ == room.__name__ and not one.__name__.startswith("_")
    ]

    assert {one.__name__ for one in public} == {name for name in suite.__all__ if name.islower()}
    assert [one.__name__ for one in public if not hasattr(one, "__wrapped__")] == []


def test_the_public_names_are_on_one_screen():
    assert len(suite.__doc__.splitlines()) < 24
    assert [name for name in suite.__all__ if not re.search(rf"\b{name}\b", suite.__doc__)] == []
    assert dir(suite) == sorted([*suite.__all__, "__version__"])


@pytest.fixture
def slow(tmp_path, home):  # noqa: ARG001  its session works there
    """A session whose experiment `slow` takes seconds."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "slow.py").write_text(SLOW.replace("epochs=6", "epochs=2"))
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a command in this process may have set its own
    yield suite.Session.open(experiments=[tmp_path / "own"])
    signal.signal(signal.SIGINT, handler)


class AtFirstStep:
    """A screen that gives Ctrl-C when the first run has sent its first step."""

    def __init__(self):
        self.workers = set()

    def runs(self, _planned):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def event(self, _item, event):
        if type(event).__name__ == "EpochEnded":
            signal.raise_signal(signal.SIGINT)

    def say(self, _line):
        pass

    warn = progress = say


def children():
    """The processes that this one waits for, without multiprocessing's own servers."""
    import multiprocessing

    return multiprocessing.active_children()


@pytest.mark.mlflow
def test_ctrl_c_in_a_call_leaves_no_worker_and_a_second_call_goes_on(slow):
    whole = suite.run("slow", seeds=[1], report=False, session=slow)
    slow.screen = AtFirstStep()
    with pytest.raises(KeyboardInterrupt):
        suite.run("slow", seeds=[0], report=False, session=slow)
    folder = whole.planned[0].run.folder.with_name(f"{whole.planned[0].run.identity[:16]}-s0")

    assert children() == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert len((folder / "history.jsonl").read_text().splitlines()) == 1
    assert not (folder / "result.json").exists()

    slow.screen = type(suite.Session.open().screen)()
    again = suite.run("slow", seeds=[0], report=False, session=slow)

    assert again.planned[0].status == "finished"
    assert [one.status for one in suite.verify(again, session=slow)] == ["identical"]


@pytest.mark.mlflow
def test_a_call_from_another_thread_trains_too(slow, tmp_path):
    (tmp_path / "own" / "quick.py").write_text(QUICK)
    session = suite.Session.open(experiments=slow.folders)
    found, environment = [], dict(os.environ)
    thread = threading.Thread(target=lambda: found.append(suite.run("quick", seeds=1, report=False, session=session)))
    thread.start()
    thread.join()

    assert [one.planned[0].reason for one in found] == [""]
    assert found[0].planned[0].status == "finished"
    assert dict(os.environ) == environment


def test_two_calls_at_once_put_back_what_the_first_one_found(monkeypatch):
    from suite.api.caller import leaves_no_trace
    from suite.tracking import store

    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    begun, go = threading.Barrier(2), threading.Event()

    @leaves_no_trace
    def long():
        store.configure()
        begun.wait()
        go.wait()

    thread = threading.Thread(target=long)
    thread.start()
    begun.wait()
    leaves_no_trace(store.configure)()
    during = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT")
    go.set()
    thread.join()

    assert during == "4", "the other call still needs it"
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: suite.run("mlp", seeds=0), "seeds must be a whole number from 1 on, got 0"),
        (lambda: suite.run("mlp", seeds=[-1]), "a seed must be a whole number from 0 on, got -1"),
        (lambda: suite.run("mlp", seeds=2.5), "seeds must be"),
        (lambda: suite.tune("mlp", trials=0), "trials must be"),
        (lambda: suite.tune("mlp", fresh_seeds=2), "fresh_seeds must be a whole number from 3 on, got 2"),
        (lambda: suite.tune("mlp", generation=0), "generation must be"),
        (lambda: suite.tune("mlp", sampeler="random"), "did you mean sampler"),
        (lambda: suite.compare("mlp", "linear", until_decided=True, limit=2), "limit must be"),
        (lambda: suite.gate("mlp", margin=-1), "margin must be a share"),
        (lambda: suite.gate("mlp", limit=2), "limit must be"),
        (lambda: suite.bench("mlp", seconds=0), "seconds must be above 0"),
        (lambda: suite.verify("nothing-s0"), "there is no finished run 'nothing-s0'"),
        (lambda: suite.load(suite.run), "there is no finished run"),
    ],
)
def test_a_wrong_number_is_a_suite_error_before_anything_begins(call, words, monkeypatch, tmp_path):
    monkeypatch.setenv("SUITE_HOME", str(tmp_path))

    with pytest.raises(suite.SuiteError, match=words):
        call()

    assert list(tmp_path.iterdir()) == []
