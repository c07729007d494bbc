"""Runs that are trained elsewhere: what is packed, what is written here and when, without a cluster."""

from collections import deque
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from suite.data import carrying, ensure
from suite.disk.journal import Run, is_claimed
from suite.engine.train import train
from suite.errors import FAILED, MACHINE
from suite.execute import ray
from suite.execute.bundles import Node
from suite.execute.executor import Busy, Ended, Lost, Packed, Settled
from suite.runs import there
from suite.runs.events import Done, EpochEnded, Failed, Started
from suite.runs.freight import TRIES, RunsFreight
from suite.runs.there import PARTS, Sent, Training
from suite.runs.twice import Twice, drawn
from suite.runs.worker import Job
from tests.engine.conftest import digits, experiment, run_of  # noqa: F401  fixtures

EPOCH = {"epoch": 0, "images": 1_500, "train_loss": 0.5, "train_accuracy": 0.5, "val_loss": None, "val_accuracy": None,
         "clock": {"train_seconds": 3.0}, "probes": []}  # fmt: skip


@pytest.fixture
def trained(experiment, run_of, digits):  # noqa: F811
    """A run as another machine has trained it: the folder's files by name, and the last event."""
    small = experiment(epochs=1)
    run = run_of(small)
    with run.claim():
        result = train(run, small, digits, lambda _: None)
    return run, {name: (run.folder / name).read_bytes() for name in PARTS if (run.folder / name).exists()}, result


def sent(event, files=None, log=None):
    return Sent(event, files or {}, log, "/there/run", "/there/mine.py")


def job_of(run, place):
    own = Run.under(place, run.experiment, run.identity, run.seed)
    return Job(own, ensure("digits", say=lambda _: None), {}, images=3_000)


def freight(jobs, twice=None):
    return closing(RunsFreight(jobs, Training(), {}, twice))


def test_a_run_is_packed_as_text_and_values_without_any_path(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    with freight([job]) as some:
        packed = some.pack(0)

    assert isinstance(packed, Packed)
    assert packed.needs == ("digits",)
    assert (packed.value.experiment, packed.value.identity, packed.value.seed) == ("small", job.run.identity, 0)
    assert packed.value.files == {}
    assert str(tmp_path) not in repr(packed)


def test_a_run_goes_on_from_the_files_that_it_has_here(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    parts = {name: contents for name, contents in trained[1].items() if name in ("recipe.json", "checkpoint")}
    with freight([job]) as some:
        some.pack(0)
        some.receive(0, sent(EpochEnded(EPOCH), parts))
        assert some.lost(0, begun=True)
        assert some.pack(0).value.files == parts


def test_its_folder_is_claimed_while_it_is_away(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    with freight([job]) as some, freight([job]) as others:
        assert isinstance(some.pack(0), Packed)
        assert is_claimed(job.run.folder)
        assert isinstance(others.pack(0), Busy)
        some.receive(0, Ended(0))
        assert not is_claimed(job.run.folder)


def test_the_files_are_written_and_the_run_is_then_finished(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    with freight([job]) as some:
        some.pack(0)
        assert some.receive(0, Started()) == [(0, Started())]
        assert some.receive(0, sent(Done(trained[2]), trained[1], b"words")) == [(0, Done(trained[2]))]
        some.receive(0, Ended(0))

    assert {name: (job.run.folder / name).read_bytes() for name in trained[1]} == trained[1]
    assert (job.run.folder / "output.log").read_bytes() == b"words"
    with freight([job]) as again:
        settled = again.pack(0)
    assert isinstance(settled, Settled)
    assert settled.events[0].result["weights_sha256"] == trained[2]["weights_sha256"]


def test_damage_on_the_way_is_no_result(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    contents = {**trained[1], "weights.safetensors": trained[1]["weights.safetensors"][:-1] + b"x"}
    with freight([job]) as some:
        some.pack(0)
        assert some.receive(0, sent(Done(trained[2]), contents)) == []
        [(_, failed), (_, ended)] = some.receive(0, Ended(0))

    assert "weights.safetensors is damaged" in failed.reason
    assert ended == Ended(0)


@pytest.mark.parametrize("name", ["../other", "lock", "artifacts/x.png"])
def test_a_file_that_no_run_has_is_not_written(name, trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    with freight([job]) as some:
        some.pack(0)
        before = sorted(tmp_path.rglob("*"))
        some.receive(0, sent(EpochEnded(EPOCH), {name: b"x"}))
        [(_, failed), _] = some.receive(0, Ended(0))

        assert failed.code == MACHINE
        assert repr(name) in failed.reason
        assert sorted(tmp_path.rglob("*")) == before


def test_what_a_run_has_printed_goes_with_its_events(trained, tmp_path, monkeypatch):
    """It is less than a buffer, which its process writes at its end only."""
    found, job = [], replace(job_of(trained[0], tmp_path), run=trained[0])
    sender = there._Sender(job, found.append)
    with (job.run.folder / "output.log").open("w") as log:
        monkeypatch.setattr("sys.stdout", log)
        for word in ("one", "two"):
            print(word)
            sender.send(Failed("it stopped", FAILED))
        monkeypatch.undo()

    assert [one.log for one in found] == [b"one\n", b"two\n"]


def test_a_failure_names_the_places_of_this_machine(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    with freight([job]) as some:
        some.pack(0)
        [(_, failed)] = some.receive(0, sent(Failed("see /there/run/output.log", FAILED)))

    assert failed == Failed(f"see {job.run.folder}/output.log", FAILED)


def test_a_run_is_given_up_when_its_machines_are_lost_too_often_and_an_epoch_starts_the_count_again(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    with freight([job]) as some:
        for _ in range(TRIES - 1):
            some.pack(0)
            assert some.lost(0, begun=True)
        some.receive(0, sent(EpochEnded(EPOCH)))
        assert [some.lost(0, begun=True) for _ in range(TRIES)] == [True] * (TRIES - 1) + [False]
        assert [event for _, event in some.receive(0, Lost("it is gone"))][-1] == Ended(0)


def test_a_job_that_had_not_begun_is_not_blamed_for_the_loss(trained, tmp_path):
    with freight([job_of(trained[0], tmp_path / "home")]) as some:
        assert all(some.lost(0, begun=False) for _ in range(3 * TRIES))


def test_the_time_of_a_run_is_estimated_by_the_last_epoch(trained, tmp_path):
    with freight([job_of(trained[0], tmp_path / "home")]) as some:
        assert some.seconds(0) is None
        some.receive(0, sent(EpochEnded(EPOCH)))
        assert some.seconds(0) == pytest.approx(1 + 3.0 / 1_500 * 3_000)


def twice_of(job, tmp_path):
    said = []
    return Twice(0, 1, job, tmp_path / "twice", said.append), said


def told(some, index, result, files):
    """The end of a run: what the caller gets of it."""
    some.pack(index)
    return [*some.receive(index, sent(Done(result), files)), *some.receive(index, Ended(0))]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_run_that_is_done_twice_is_finished_when_both_agree(order, trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    twice, said = twice_of(job, tmp_path)
    with freight([job], twice) as some:
        assert some.apart(1) == 0
        assert told(some, order[0], trained[2], trained[1]) == []
        assert not (job.run.folder / "result.json").exists()
        assert told(some, order[1], trained[2], trained[1]) == [(0, Done(trained[2])), (0, Ended(0))]

    assert job.run.check_files()
    assert said == ["small-s0 was trained twice, on two machines: the same numbers, bit for bit."]


@pytest.mark.parametrize("killed", [0, 1])
def test_a_run_that_is_done_twice_is_finished_though_a_process_was_killed_after_its_last_word(
    killed, trained, tmp_path
):
    job = job_of(trained[0], tmp_path / "home")
    twice, _ = twice_of(job, tmp_path)
    machine = [Node("a", "a", 1)]
    with freight([job], twice) as some:
        some.pack(killed)
        assert some.receive(killed, sent(Done(trained[2]), trained[1])) == []
        assert some.lost(killed, begun=True)
        carrying = ray._Carrying(SimpleNamespace(most=None), some)
        carrying._nodes, carrying._bundles.waiting = machine, deque([(0.0, killed)])
        carrying._bundles.where[1 - killed] = "b"
        assert list(carrying._give()) == []  # its end is known, and the other one's is not
        assert told(some, 1 - killed, trained[2], trained[1]) == [(0, Done(trained[2])), (0, Ended(0))]

    assert job.run.check_files()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_run_whose_twin_has_other_numbers_is_not_finished(order, trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    twice, _ = twice_of(job, tmp_path)
    results = [trained[2], {**trained[2], "weights_sha256": "0" * 64}]
    with freight([job], twice) as some:
        events = [one for index in order for one in told(some, index, results[index], trained[1])]

    assert [index for index, _ in events] == [0, 0]
    assert "two machines came to different numbers, first in the result: weights_sha256" in events[0][1].reason
    assert job.run.result() is None


def test_a_run_is_finished_without_its_twin_if_there_is_no_second_machine(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    twice, said = twice_of(job, tmp_path)
    with freight([job], twice) as some:
        assert told(some, 0, trained[2], trained[1]) == []
        assert some.receive(1, Lost("there is no second machine")) == [(0, Done(trained[2])), (0, Ended(0))]

    assert job.run.check_files()
    assert "there is no second machine" in said[0]


def test_the_run_that_is_done_twice_is_drawn_by_identity_and_seed_alone(tmp_path):
    jobs = [job_of(Run("small", "ab" * 32, seed, tmp_path), tmp_path) for seed in range(20)]
    chosen = jobs[drawn(jobs)].run.seed

    assert jobs[::-1][drawn(jobs[::-1])].run.seed == chosen
    assert len({drawn(jobs[first:]) + first for first in range(20)}) > 2


def test_secrets_and_homes_do_not_travel(monkeypatch):
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    found = {"PATH": "/bin", "MLFLOW_TRACKING_URI": "http://x", "SUITE_HOME": "/me", "SUITE_STUDY_STORAGE": "x",
             "PGPASSWORD": "secret", "DATABASE": "postgresql://me:secret@host/x", "RAY_AUTH_TOKEN_PATH": "/t",
             "ATEN_CPU_CAPABILITY": "default", "HOME": "/root"}  # fmt: skip
    given = Training.of_user().environment(found)

    assert given["SUITE_KERNELS"] == "torch"
    assert given["OMP_NUM_THREADS"] == "1"
    assert {name for name in given if name in found} == {"PATH", "HOME"}


def test_a_data_set_is_checked_where_it_arrives(tmp_path, monkeypatch):
    contents = carrying.contents_of("digits", ensure("digits", say=lambda _: None))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert not carrying.is_here("digits")
    first = next(iter(contents))
    with pytest.raises(Exception, match="SHA-256"):
        carrying.keep("digits", {**contents, first: contents[first][:-1] + b"x"})
    assert not carrying.is_here("digits")

    carrying.keep("digits", contents)

    assert carrying.is_here("digits")


def test_a_run_of_one_numeric_class_travels_with_it(trained, tmp_path):
    job = job_of(trained[0], tmp_path / "home")
    bound = replace(job, run=replace(job.run, only={"kernels": ["0" * 8]}))
    with freight([bound]) as some:
        assert some.pack(0).value.only == {"kernels": ["0" * 8]}
