"""Tasks that real worker processes train on the digits, in folders that several studies share."""

import json
import shutil
from functools import partial

import pytest

from suite.data import ensure
from suite.disk.classes import class_in
from suite.engine.fit import finish_diverged
from suite.errors import FAILED, USER, SuiteError
from suite.recipe import registry
from suite.recipe.trial import Budget
from suite.runs.worker import local_processes
from suite.tuning.classes import Classes
from suite.tuning.rules import Task
from suite.tuning.training import Training
from tests.events import plain
from tests.promises.conftest import CHOOSY, PLAIN

pytestmark = pytest.mark.commands

THREE = Budget("samples", 3)
BROKEN = PLAIN.replace("    from torch import nn\n", "    1 / 0\n")
KILLED = PLAIN.replace("    from torch import nn\n", "    import os\n    os.kill(os.getpid(), 9)\n")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder with experiments: one keeps its best epoch, one fails, and one is killed."""
    folder = tmp_path_factory.mktemp("own")
    for name, text in (("plain", PLAIN), ("choosy", CHOOSY), ("broken", BROKEN), ("killed", KILLED)):
        (folder / f"{name}.py").write_text(text)
    return folder


class Watched:
    """A training in its own folder, and the events that it sent."""

    def __init__(self, own, place, name="plain", budget=THREE, workers=2, known=None):
        self.events, self.noted = [], []
        self.experiment = registry.load([own]).choose([name])[0]
        self.train = Training(
            self.experiment, budget, trials=place, executor=local_processes(workers), folders=(own,),
            data_folder=partial(ensure, say=lambda _: None),
            watch=lambda task, event: self.events.append((task, plain(event))),
            classes=Classes(known or {}, lambda known: self.noted.append(dict(known))),
        )  # fmt: skip

    def epochs(self):
        """The number of epochs that were trained so far."""
        return sum(event["event"] == "epoch" for _, event in self.events)

    def job(self, values, seed=0):
        return self.train._job(Task(values, seed))


@pytest.fixture
def training(own, tmp_path):
    return lambda place="trials", **words: Watched(own, tmp_path / place, **words)


def without_clock(outcomes):
    return [(one.accuracy, one.images, one.epochs, one.diverged) for one in outcomes]


def test_outcomes_come_in_the_order_of_the_tasks_and_say_what_was_trained(training):
    watched = training()
    tasks = [
        Task({"lr": lr, "batch_size": size}, seed) for lr, size, seed in ((0.1, 100, 0), (0.01, 50, 1), (0.1, 50, 0))
    ]

    outcomes = watched.train(tasks)

    for task, outcome in zip(tasks, outcomes, strict=True):
        history = watched.train.epochs(task.values, task.seed)
        assert outcome.accuracy == history[-1]["val_accuracy"]
        assert (outcome.epochs, outcome.images, outcome.diverged) == (3, 3 * 1_250, "")
        assert outcome.seconds == pytest.approx(sum(record["clock"]["train_seconds"] for record in history))
    assert len({outcome.accuracy for outcome in outcomes}) > 1
    assert watched.train.seconds["train"] == pytest.approx(sum(outcome.seconds for outcome in outcomes))
    assert watched.train.seconds["validate"] > 0


def test_equal_tasks_are_trained_once(training):
    watched = training()

    one, other, published = watched.train([Task({"lr": 0.1}, 0), Task({"lr": 0.1, "batch_size": 100}, 0), Task({}, 0)])

    assert one == other == published
    assert watched.epochs() == 3


def test_what_was_trained_before_is_not_trained_again_whoever_asks(training):
    first = training()
    before = first.train([Task({"lr": 0.05}, 0)])

    again = training()
    after = again.train([Task({"lr": 0.05}, 0)])

    assert after == before
    assert (first.epochs(), again.epochs()) == (3, 0)
    assert again.train.seconds == {"train": 0.0, "validate": 0.0}


def test_the_first_trial_decides_in_which_numeric_class_all_are_trained(training):
    watched = training()
    watched.train([Task({}, seed) for seed in range(2)])

    [known] = watched.noted
    (way,) = known
    assert known == {way: [class_in(watched.job({}).run.folder)[1]]}
    assert watched.job({}, 7).run.only == known


def test_no_trial_is_trained_in_another_numeric_class(training):
    way = next(iter(_classes_here(training)))
    watched = training("other", known={way: ["0" * 8]})

    with pytest.raises(SuiteError, match="numeric class 00000000; this machine's class is") as refused:
        watched.train([Task({}, 0)])

    assert refused.value.code == USER
    assert watched.epochs() == 0
    assert watched.noted == []
    assert watched.job({}).run.history() == []


def _classes_here(training):
    watched = training()
    watched.train([Task({}, 0, 1 / 3)])
    return watched.noted[0]


def test_a_task_goes_on_from_its_earlier_portion(training):
    watched, at_once = training(), training("at once")

    [third] = watched.train([Task({}, 0, 1 / 3)])
    [whole] = watched.train([Task({}, 0)])

    assert (third.epochs, whole.epochs, watched.epochs()) == (1, 3, 3)
    assert without_clock([whole]) == without_clock(at_once.train([Task({}, 0)]))


def test_a_folder_that_holds_more_counts_up_to_the_portion_that_was_asked_for(training):
    watched = training()
    watched.train([Task({}, 0)])

    [third] = watched.train([Task({}, 0, 1 / 3)])

    history = watched.train.epochs({}, 0)
    assert (third.epochs, third.images) == (1, 1_250)
    assert third.accuracy == history[0]["val_accuracy"] != history[-1]["val_accuracy"]
    assert third.seconds == pytest.approx(history[0]["clock"]["train_seconds"])
    assert without_clock([third]) == without_clock(training("anew").train([Task({}, 0, 1 / 3)]))


def test_a_folder_that_diverged_later_counts_up_to_the_epoch_before(training):
    watched = training()
    [before] = watched.train([Task({}, 0, 1 / 3)])
    run = watched.job({}).run
    with run.claim():
        finish_diverged(run, 1, {})

    third, whole = watched.train([Task({}, 0, 1 / 3)]), watched.train([Task({}, 0)])

    assert third == [before]
    assert whole[0].diverged == "diverged in epoch 2: the loss is no finite number"
    assert watched.epochs() == 1


def test_a_task_that_diverges_is_an_outcome_and_the_others_are_trained(training):
    wild, tame = training().train([Task({"lr": 1e38}, 0), Task({"lr": 0.1}, 0)])

    assert wild.diverged.startswith("diverged in epoch 1")
    assert (tame.epochs, tame.diverged) == (3, "")


@pytest.mark.parametrize("rate", [0.003, 0.3])
def test_who_keeps_the_best_epoch_is_worth_its_best_epoch(training, rate):
    watched = training(name="choosy", budget=Budget("samples", 6))

    [outcome] = watched.train([Task({"lr": rate}, 0)])

    accuracies = [record["val_accuracy"] for record in watched.train.epochs({"lr": rate}, 0)]
    assert outcome.accuracy == max(accuracies)
    assert outcome.epochs == 6
    assert rate < 0.3 or accuracies[-1] < max(accuracies), "the example tells best from last"


def test_one_worker_comes_to_what_two_come_to(training):
    tasks = [Task({"lr": lr, "batch_size": size}, seed, portion) for lr in (0.01, 0.3) for size in (32, 128)
             for seed, portion in ((0, 1 / 3), (1, 1.0))]  # fmt: skip

    one = training("one", workers=1).train(tasks)
    two = training("two", workers=2).train(tasks[::-1])[::-1]

    assert without_clock(one) == without_clock(two)


def test_small_batches_which_take_longest_come_first(training):
    watched = training(workers=1)

    watched.train([Task({"batch_size": size}, 0, 1 / 3) for size in (256, 32, 128)])

    started = [task.values["batch_size"] for task, event in watched.events if event["event"] == "started"]
    assert started == [32, 128, 256]


def test_another_budget_is_another_training(training):
    samples, steps = training(), training(budget=Budget("steps", 39))

    one, other = samples.train([Task({}, 0)]), steps.train([Task({}, 0)])

    assert without_clock(one) == without_clock(other), "39 updates are three epochs of 13"
    assert steps.epochs() == 3, "but it is kept by itself"


def test_ordinary_runs_are_not_among_the_trials(training, tmp_path):
    watched = training()
    watched.train([Task({}, 0, 1 / 3)])

    folders = [path.relative_to(tmp_path) for path in tmp_path.rglob("recipe.json")]

    assert [path.parts[:2] for path in folders] == [("trials", "plain")]
    facts = json.loads((tmp_path / folders[0]).read_text())
    assert facts["identity"] != watched.experiment.identity


def test_a_network_that_breaks_ends_the_search_with_its_reason_and_not_as_a_diverged_trial(training):
    with pytest.raises(SuiteError, match="ZeroDivisionError") as refused:
        training(name="broken").train([Task({}, 0)])

    assert refused.value.code == USER


def test_a_worker_that_dies_ends_the_search_with_a_line_that_says_how(training):
    with pytest.raises(SuiteError, match=r"ended with -9; see output\.log there") as refused:
        training(name="killed").train([Task({}, 0)])

    assert refused.value.code == FAILED


def test_data_that_are_gone_end_the_search_with_their_own_line(own, tmp_path):
    data = tmp_path / "digits"
    shutil.copytree(ensure("digits", say=lambda _: None), data)
    (data / "train-labels-idx1-ubyte").unlink()
    experiment = registry.load([own]).choose(["plain"])[0]
    train = Training(
        experiment,
        THREE,
        trials=tmp_path / "trials",
        executor=local_processes(1),
        data_folder=lambda _: data,
        folders=(own,),
    )

    with pytest.raises(SuiteError, match="train-labels-idx1-ubyte") as refused:
        train([Task({}, 0)])

    assert refused.value.code == 3
