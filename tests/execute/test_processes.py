"""Jobs in processes: isolated, as many at a time as asked, and none left behind."""

import errno
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from suite.engine import exact
from suite.execute import processes
from suite.execute.executor import Busy
from suite.execute.processes import LocalProcesses, run_jobs
from tests.events import plain

pytestmark = pytest.mark.slow


def work(job, emit):
    """Do what the job's words say."""
    kind, _, detail = job.partition(":")
    match kind:
        case "say":
            emit({"event": "said", "words": detail})
        case "loaded":
            emit({"event": "said", "words": detail in sys.modules})
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            emit({"event": "said", "words": "before the end"})
            os._exit(int(detail))
        case "kill":
            os.kill(os.getppid(), signal.SIGKILL)  # the fork server: this process goes on
            emit({"event": "begun", "pid": os.getpid()})
            time.sleep(float(detail))
            emit({"event": "said", "words": "alive"})
        case "sleep":
            emit({"event": "begun", "pid": os.getpid()})
            time.sleep(float(detail))
            emit({"event": "said", "words": "slept"})
        case "busy until":
            emit({"event": "said", "words": "done"} if Path(detail).exists() else Busy())
        case "chatter":
            for number in range(int(detail)):
                emit({"event": "said", "words": number})


def stream(jobs, workers):
    # As the suite itself calls it: a process has one fork server, so the first caller decides what the later ones get.
    for index, event in run_jobs(
        work, jobs, workers=workers, environment=exact.ENVIRONMENT, preload="suite.engine.preload"
    ):
        yield index, plain(event)


def run(*jobs):
    return list(stream(jobs, workers=2))


def test_every_job_is_done_and_its_end_told():
    events = run("say:one", "say:two", "say:three")

    assert sorted(index for index, event in events if event["event"] == "ended") == [0, 1, 2]
    assert {(index, event["words"]) for index, event in events if event["event"] == "said"} == {
        (0, "one"), (1, "two"), (2, "three"),
    }  # fmt: skip


def test_with_nothing_to_preload_they_start_from_nothing_and_ctrl_c_is_not_for_them():
    said = {}
    for index, event in LocalProcesses(2).run(work, ["loaded:torch", "sleep:0.5"]):
        event = plain(event)
        if event["event"] == "begun":
            os.kill(event["pid"], signal.SIGINT)
        said[index, event["event"]] = event

    assert said[0, "said"]["words"] is False
    assert said[1, "said"]["words"] == "slept"
    assert said[0, "ended"]["exit"] == said[1, "ended"]["exit"] == 0


def test_a_crash_takes_no_other_job_with_it():
    events = run("crash", "say:one", "exit:7", "say:two")

    ends = {index: event["exit"] for index, event in events if event["event"] == "ended"}
    assert ends == {0: -signal.SIGKILL, 1: 0, 2: 7, 3: 0}


def test_jobs_outlive_their_fork_server_and_later_ones_have_a_new_one():
    events = run("kill:1", "exit:255", "say:more", "say:and more")

    assert [event for index, event in events if index == 0][1:] == [
        {"event": "said", "words": "alive"}, {"event": "ended", "exit": -signal.SIGKILL},
    ]  # fmt: skip
    assert [event["exit"] for index, event in events if index > 1 and event["event"] == "ended"] == [0, 0]
    assert run("say:afterwards")[-1] == (0, {"event": "ended", "exit": 0})


def test_an_exit_code_of_255_is_the_jobs_own():
    assert run("exit:255")[-1] == (0, {"event": "ended", "exit": 255})


def test_all_that_a_process_said_is_heard_before_its_end():
    events = run("chatter:2000", "exit:3")

    first = [event for index, event in events if index == 0]
    assert [event.get("words") for event in first] == [*range(2000), None]
    assert first[-1] == {"event": "ended", "exit": 0}


def test_no_more_jobs_at_a_time_than_workers():
    going, most = set(), 0
    for index, event in stream(["sleep:0.3"] * 5, workers=2):
        if event["event"] == "begun":
            going.add(index)
        most = max(most, len(going))
        if event["event"] == "ended":
            going.discard(index)

    assert most == 2


def test_a_job_whose_place_is_taken_is_tried_again_until_it_is_free(tmp_path):
    free = tmp_path / "free"
    events = []
    for index, event in stream([f"busy until:{free}", "say:meanwhile"], workers=1):
        events.append((index, event["event"]))
        if (1, "ended") in events:
            free.touch()

    assert events.index((0, "busy")) < events.index((1, "said")) < events.index((0, "said"))


def test_leaving_early_ends_the_processes_that_still_run():
    events = stream(["sleep:60"], workers=1)
    _, begun = next(events)

    events.close()

    with pytest.raises(ProcessLookupError):
        os.kill(begun["pid"], 0)


def test_a_long_tmpdir_leaves_the_servers_socket_its_short_name(monkeypatch, tmp_path):
    long = tmp_path / ("l" * 110)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with processes._short_names():
        assert len(os.fsencode(tempfile.gettempdir())) <= 107 - 33  # a socket's longest name, and what the server adds

    assert tempfile.gettempdir() == str(long)


def test_where_no_folder_is_short_enough_tmpdir_and_its_limit_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("l" * 110)))
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(OSError, match=r"as TMPDIR, too long .* 70 bytes at most") as refused, processes._short_names():
        pass

    assert refused.value.errno == errno.ENAMETOOLONG
