"""The command's side of a pool, with a Slurm that does what the test says."""

from pathlib import Path

import pytest

from suite.execute.slurm import Refused, Slurm, Task
from suite.runs import feeding
from suite.runs.events import Done, Ended, EpochEnded, Failed, Started
from suite.runs.feeding import TRIES, Feeding
from suite.runs.plain import plain_event
from suite.runs.pool import GIVEN_BACK, TAKEN, Pool
from tests.runs.test_pool import EPOCH, job

DONE = [Started(), EpochEnded(EPOCH), Done({"status": "finished"}), Ended(0)]


class Pretended(Slurm):
    """Each time it is asked, every task that waits does what is next in `script`: a function of pool and task."""

    def __init__(self, pool, *script):
        self.pool, self.script = pool, [*script]
        self.states, self.submitted, self.avoided = {}, [], []

    def submit(self, _script, tasks, *, avoid, **_others):
        self.submitted.append(tasks)
        self.avoided = [*avoid]
        number = str(len(self.submitted))
        self.states |= {f"{number}_{task}": Task("PENDING", "", "Priority") for task in range(tasks)}
        return number

    def tasks(self, arrays):
        for name, task in self.states.items():
            if task.waits and name.partition("_")[0] in arrays and self.script:
                self.states[name] = Task(self.script.pop(0)(self.pool, name), "n1", "")
        return {name: task for name, task in self.states.items() if name.partition("_")[0] in arrays}

    def cancel(self, _arrays):
        self.states = {name: Task("CANCELLED", "n1", "") for name in self.states}


def begin(pool, task):
    [name] = pool.take(task, 1)
    pool.greet(task, {"node": "n1", "differs": []})
    pool.tell(name, TAKEN)
    return name


def finish(pool, task):
    name = begin(pool, task)
    for event in DONE:
        pool.tell(name, plain_event(event))
    pool.drop(f"taken/{name}.{task}")
    return "COMPLETED"


def vanish(pool, task):
    begin(pool, task)
    return "NODE_FAIL"


def train_an_epoch_and_vanish(pool, task):
    pool.tell(begin(pool, task), plain_event(EpochEnded(EPOCH)))
    return "NODE_FAIL"


def time_out(pool, task):
    name = begin(pool, task)
    pool.tell(name, GIVEN_BACK)
    pool.give_back(name, task)
    return "TIMEOUT"


def be_cancelled(pool, task):
    vanish(pool, task)
    return "CANCELLED"


def fall_over(pool, task):
    (pool.folder / "log" / task).write_text("first\nno module named suite\n")
    return "FAILED"


def compute_something_else(pool, task):
    pool.greet(task, {"node": "n2", "differs": ["torch"]})
    return "COMPLETED"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(feeding, "PAUSE", 0.0)
    monkeypatch.setattr(feeding, "LOOK", 0.0)


@pytest.fixture
def feed(quick, tmp_path):  # noqa: ARG001  it waits for nothing

    def feed(*script, jobs=1):
        settings = {"python": "python", "environment": {}, "same": ["torch"]}
        with Pool.open(tmp_path / "pools", settings) as pool:
            slurm, said = Pretended(pool, *script), []
            going = Feeding(pool, slurm, [job(seed) for seed in range(jobs)], None, said.append, said.append)
            return [*going.events()], slurm, said

    return feed


def test_as_many_tasks_are_submitted_as_there_are_jobs(feed, tmp_path):
    events, slurm, said = feed(finish, finish, finish, jobs=3)

    assert sorted((index, event) for index, event in events if isinstance(event, Ended)) == [
        (0, Ended(0)), (1, Ended(0)), (2, Ended(0)),
    ]  # fmt: skip
    assert slurm.submitted == [3]
    assert said[0] == "Slurm: array 1, 3 tasks."
    assert [path for path in (tmp_path / "pools").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("loss", [vanish, time_out])
def test_a_job_whose_task_is_lost_gets_another_one(feed, loss):
    events, slurm, _ = feed(loss, finish)

    assert [event for _, event in events] == DONE
    assert slurm.submitted == [1, 1]


@pytest.mark.parametrize("loss", [vanish, time_out])
def test_a_job_that_gets_nowhere_is_given_up_in_the_end(feed, loss):
    events, slurm, _ = feed(*[loss] * TRIES)

    [(_, failed), (_, ended)] = events
    assert isinstance(failed, Failed)
    assert (failed.code, ended) == (1, Ended(1))
    assert f"ended {TRIES} times before an epoch was trained" in failed.reason
    assert len(slurm.submitted) in (TRIES, TRIES + 1)  # the last loss may be heard after the next task was ordered


def test_a_job_that_gets_on_may_lose_any_number_of_tasks(feed):
    events, _, _ = feed(*[train_an_epoch_and_vanish] * 3 * TRIES, finish)

    assert [event for _, event in events][-4:] == DONE


def test_cancelled_tasks_end_their_jobs_and_those_that_wait(feed):
    events, slurm, _ = feed(be_cancelled, be_cancelled, jobs=2)

    assert sorted(events) == [(0, Ended(-15)), (1, Ended(-15))]
    assert slurm.submitted == [2]


def test_tasks_that_never_begin_end_the_command_with_their_last_words(feed):
    with pytest.raises(Refused, match=f"{TRIES} tasks ended before they began; .*FAILED, no module named suite"):
        feed(*[fall_over] * TRIES)


def test_a_machine_with_other_numbers_is_named_and_avoided(feed):
    events, slurm, said = feed(finish, compute_something_else, finish, jobs=2)

    assert len([event for _, event in events if event == Ended(0)]) == 2
    assert slurm.avoided == ["n2"]
    assert any(line.startswith("n2 computes other numbers than ") for line in said)


@pytest.mark.usefixtures("quick")
def test_what_a_killed_command_left_is_heard_and_the_rest_dropped(tmp_path):
    settings = {"python": "python", "environment": {}, "same": ["torch"]}
    with Pool.open(tmp_path / "pools", settings) as pool:
        slurm = Pretended(pool)
        killed = Feeding(pool, slurm, [job(seed) for seed in range(3)], None, lambda _: None, lambda _: None)
        next(killed._look(), None)
        name = begin(pool, "1_0")
        pool.tell(name, plain_event(Started()))
        slurm.states["1_0"] = Task("RUNNING", "n1", "")

        again = Feeding(pool, slurm, [job(0), job(1)], None, lambda _: None, lambda _: None)
        slurm.script = [finish]
        events = again.events()
        first = next(events)
        for event in DONE[1:]:
            pool.tell(name, plain_event(event))
        rest = [*events]

    assert first == (0, Started())
    assert rest.count((0, Ended(0))) == rest.count((1, Ended(0))) == 1
    assert slurm.submitted == [3]  # the tasks of the killed command are enough


def test_a_word_for_sbatch_is_of_its_form_and_not_ours():
    assert Slurm(("--partition=a", "--exclusive", "--time=1:00")).wrong_option() is None
    for word in ("--", "-p", "--wrap=ls", "--outp=x", "--Time=1", "--array", "--no-req"):
        assert Slurm((word,)).wrong_option()


def test_slurm_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("PATH", str(Path("nowhere").absolute()))
    with pytest.raises(Refused, match="no sbatch in PATH"):
        Slurm().require()
    assert Slurm().tasks(["1"]) is None
