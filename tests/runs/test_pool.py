"""The folder between a command and tasks on other machines: a job is taken once, and nothing that was said is lost."""

import json
import math
import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from suite.disk.journal import Run
from suite.recipe.trial import Budget
from suite.runs.events import Busy, Done, Ended, EpochEnded, Failed, Started, Step
from suite.runs.plain import event_of, job_of, plain_event, plain_job
from suite.runs.pool import GIVEN_BACK, TAKEN, Pool
from suite.runs.worker import Job

EPOCH = {"epoch": 0, "train_loss": math.inf, "val_loss": None, "probes": [], "clock": {"train_seconds": 0.1 + 0.2}}


def job(seed: int = 0, **others) -> Job:
    return Job(Run("mlp", "ab" * 32, seed, Path("runs") / f"mlp-s{seed}"), Path("data"), **others)


@pytest.fixture
def pool(tmp_path):
    with Pool.open(tmp_path / "pools", {"same": ["torch"]}) as opened:
        yield opened


@pytest.mark.parametrize("one", [
    job(),
    job(3, overrides={"lr": 1e-3, "betas": (0.9, 0.99), "average": None}, folders=(Path("own"), Path("other"))),
    job(4, budget=Budget("seconds", 2.5), portion=1 / 3, portable=True, file=Path("own") / "mlp.py", images=9),
])  # fmt: skip
def test_a_job_comes_back_from_json_as_it_was(one):
    assert job_of(json.loads(json.dumps(plain_job(one)))) == one


@pytest.mark.parametrize("event", [
    Started(), Step(1, 50, 0.1, 1 / 3, 1e5), EpochEnded(EPOCH), Busy(), Failed("why", 3), Ended(-15),
    Done({"status": "diverged", "epoch": 2, "metrics": {"test/accuracy": 0.1}}),
])  # fmt: skip
def test_an_event_comes_back_from_json_as_it_was(event):
    assert event_of(json.loads(json.dumps(plain_event(event)))) == event


def take_all(folder: Path, task: str, told) -> None:
    pool = Pool(folder)
    held: dict = {}
    while len(more := pool.take(task, len(held) + 1)) > len(held):
        held = more
    told.put([*held])


def test_tasks_that_take_at_the_same_time_share_the_jobs(pool):
    for place in range(60):
        pool.put(pool.name_of(place, plain_job(job(place))), plain_job(job(place)))
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    tasks = [context.Process(target=take_all, args=(pool.folder, f"1_{task}", told)) for task in range(3)]
    for task in tasks:
        task.start()

    taken = Counter(name for _ in tasks for name in told.get())
    for task in tasks:
        task.join()

    assert {*taken.values()} == {1}
    assert len(taken) == 60
    assert pool.names("waiting") == []
    assert {*pool.taken()} == {*taken}


def test_a_task_takes_the_first_jobs_and_those_again_that_it_has(pool):
    names = [pool.name_of(place, plain_job(job(place))) for place in range(3)]
    for place, name in enumerate(names):
        pool.put(name, plain_job(job(place)))

    assert [*pool.take("7_0", 2)] == names[:2]
    assert [*pool.take("7_0", 2)] == names[:2]
    assert pool.give_back(names[0], "7_0")
    assert not pool.give_back(names[0], "7_0")
    assert pool.take("7_2", 1) == {names[0]: plain_job(job(0))}


def test_tasks_that_begin_together_do_not_try_the_same_job(pool):
    names = [pool.name_of(place, plain_job(job(place))) for place in range(3)]
    for place, name in enumerate(names):
        pool.put(name, plain_job(job(place)))

    assert [*pool.take("7_2", 1)] == names[2:]
    pool.greet("7_1", {})
    assert [*pool.take("7_1", 1)] == names[:1]  # one that has begun takes the first


def test_a_line_that_a_killed_task_did_not_complete_harms_no_other(pool):
    pool.tell("one", TAKEN)
    pool.tell("one", plain_event(Started()))
    with open(pool.folder / "events" / "one", "ab") as file:
        file.write(b'{"event": "epo')

    first, since = pool.told("one", 0)
    pool.tell("one", GIVEN_BACK)
    pool.tell("one", TAKEN)
    second, since = pool.told("one", since)

    assert first == [TAKEN, plain_event(Started())]
    assert second == [GIVEN_BACK, TAKEN]
    assert pool.told("one", since) == ([], since)
    assert pool.told("nothing", 5) == ([], 5)


def test_two_commands_have_two_pools_and_a_killed_commands_is_used_again(tmp_path):
    settings = {"same": ["torch"], "environment": {}}
    with Pool.open(tmp_path, settings) as first, Pool.open(tmp_path, settings) as second:
        first.put("one", {})
        assert first.folder != second.folder
    with Pool.open(tmp_path, settings) as third, Pool.open(tmp_path, {**settings, "same": []}) as other:
        assert third.names("waiting") == ["one"]
        assert other.names("waiting") == []


def test_the_first_machine_says_what_all_compute(pool):
    assert pool.agreed() is None
    assert pool.agree({"torch": "a", "node": "n1"}) == {"torch": "a", "node": "n1"}
    assert pool.agree({"torch": "b", "node": "n2"}) == {"torch": "a", "node": "n1"}
    assert [path.name for path in pool.folder.iterdir() if path.name.startswith(".")] == []
