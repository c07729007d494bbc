"""A study's trial: bit for bit the same whenever it is broken off, at its budget's end exactly, blind to the test set.

That the test set cannot be reached is tested from outside: without its files, and by watching what is opened.
"""

import json
import math
import shutil

import pytest
import torch

from suite.data import ensure
from suite.disk.journal import Run
from suite.engine import checkpoint
from suite.engine.fit import fit
from suite.engine.sets import stratified
from suite.engine.trial import train_trial
from suite.recipe.trial import Budget, trial_identity
from suite.runs.worker import Job, local_processes, work
from tests.conftest import answer_of, python
from tests.engine.test_train import Broken, break_at, epochs_without_clock, quiet
from tests.events import plain
from tests.promises.conftest import CHOOSY, PLAIN

pytestmark = pytest.mark.studies

SAMPLES = Budget("samples", 3)


@pytest.fixture
def trial_of(tmp_path):
    """The folder of a trial of an experiment, under a place of its own."""

    def make(experiment, budget, seed=0, under="trials"):
        return Run.under(tmp_path / under, experiment.name, trial_identity(experiment, budget), seed)

    return make


def do(run, experiment, data, budget, portion=1.0, emit=quiet):
    with run.claim():
        training = data.train_images, data.train_labels
        return run.result() or train_trial(run, experiment, training, budget, portion, emit)


def tensors_of(run):
    return checkpoint.load(run.checkpoint)[0]


def assert_same(one, other):
    """The same history, the clock apart, and the same bits of weights and optimiser."""
    assert epochs_without_clock(one) == epochs_without_clock(other)
    mine, others = tensors_of(one), tensors_of(other)
    assert mine.keys() == others.keys()
    assert [name for name in mine if not torch.equal(mine[name], others[name])] == []


# --- the same bits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "budget", "portions"),
    [
        ({}, SAMPLES, (1 / 3, 1.0)),
        ({}, Budget("samples", 5), (1 / 3, 2 / 3, 1.0)),
        ({"shuffle": False, "holdout": 0.3, "keep": "best"}, SAMPLES, (1 / 3, 1.0)),
        ({"optimizer": "sgd", "momentum": 0.9}, Budget("steps", 33), (1 / 3, 1.0)),
        ({"probe_every": 4, "probe_images": 50}, Budget("steps", 20), (0.01, 0.5, 1.0)),
        ({"schedule": "one-cycle"}, SAMPLES, (1 / 3, 1.0)),
        ({"schedule": "one-cycle"}, Budget("steps", 33), (1 / 3, 1.0)),
    ],
)
def test_a_trial_trained_to_a_third_and_then_on_is_the_one_trained_at_once(
    experiment, trial_of, digits, fields, budget, portions
):
    small = experiment(**fields)
    at_once, on = trial_of(small, budget, under="at once"), trial_of(small, budget, under="on")
    do(at_once, small, digits, budget)

    for portion in portions:
        assert do(on, small, digits, budget, portion) == {"status": "trained"}

    assert_same(on, at_once)


@pytest.mark.parametrize("budget", [SAMPLES, Budget("steps", 33)], ids=["samples", "steps"])
def test_a_trial_broken_off_after_every_epoch_ends_as_an_unbroken_one(experiment, trial_of, digits, budget):
    small = experiment()
    unbroken, broken = trial_of(small, budget, under="unbroken"), trial_of(small, budget, under="broken")
    do(unbroken, small, digits, budget)

    for _ in range(3):
        with pytest.raises(Broken):
            do(broken, small, digits, budget, emit=break_at(1))
    do(broken, small, digits, budget)

    assert_same(broken, unbroken)


def test_a_trial_is_an_ordinary_training_on_its_part_of_the_images(experiment, trial_of, run_of, digits):
    small = experiment()
    trial, ordinary = trial_of(small, SAMPLES), run_of(small)
    do(trial, small, digits, SAMPLES)

    sets = stratified("digits", (digits.train_images, digits.train_labels))
    with ordinary.claim():
        fit(ordinary, small, sets, quiet, more=lambda history: len(history) < 3)

    assert_same(trial, ordinary)
    assert [record["images"] for record in trial.history()] == [1_250] * 3


@pytest.mark.parametrize(("budget", "updates"), [(SAMPLES, 39), (Budget("steps", 33), 33)], ids=["samples", "steps"])
def test_a_trials_schedule_ends_with_its_budget(experiment, trial_of, digits, monkeypatch, budget, updates):
    small, asked = experiment(schedule="one-cycle"), []
    monkeypatch.setattr("suite.engine.epoch.rate", lambda _, step, steps: asked.append((step, steps)) or 0.01)
    do(trial_of(small, budget), small, digits, budget)

    assert asked == [(step, updates) for step in range(updates)]


def test_another_seed_is_another_training_on_the_same_images(experiment, trial_of, digits):
    small = experiment()
    one, other = trial_of(small, SAMPLES, seed=0), trial_of(small, SAMPLES, seed=1)

    for run in (one, other):
        do(run, small, digits, SAMPLES)

    assert epochs_without_clock(one) != epochs_without_clock(other)


# --- the end of the budget ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("portion", "epochs"), [(1 / 3, 1), (0.5, 2), (2 / 3, 2), (1.0, 3)])
def test_a_portion_is_trained_to_the_next_whole_epoch(experiment, trial_of, digits, portion, epochs):
    small = experiment()
    run = trial_of(small, SAMPLES)

    do(run, small, digits, SAMPLES, portion)

    assert len(run.history()) == epochs


def test_what_is_trained_enough_is_not_trained_again(experiment, trial_of, digits):
    small = experiment()
    run = trial_of(small, SAMPLES)
    do(run, small, digits, SAMPLES)

    for portion in (1 / 3, 1.0):
        assert do(run, small, digits, SAMPLES, portion, emit=break_at(1)) == {"status": "trained"}

    assert len(run.history()) == 3


@pytest.mark.parametrize(
    ("steps", "batch_size", "images"),
    [
        (13, 100, [1_250]),
        (20, 100, [1_250, 700]),
        (26, 100, [1_250, 1_250]),
        (1, 100, [100]),
        (7, 1_250, [1_250] * 7),
        (5, 1_249, [1_250, 1_250, 1_249]),
    ],
)
def test_a_budget_of_steps_ends_at_exactly_so_many_updates(experiment, trial_of, digits, steps, batch_size, images):
    budget, small = Budget("steps", steps), experiment(batch_size=batch_size)
    run = trial_of(small, budget)

    do(run, small, digits, budget)

    assert [record["images"] for record in run.history()] == images
    updates = {tensor.item() for name, tensor in tensors_of(run).items() if name.endswith(".step")}
    assert updates == {steps}, "Adam counts them too"


def test_an_epoch_cut_short_is_validated_and_its_means_are_over_what_it_met(experiment, trial_of, digits):
    budget, small = Budget("steps", 15), experiment()
    cut, whole = trial_of(small, budget), trial_of(small, SAMPLES)
    for run, spent in ((cut, budget), (whole, SAMPLES)):
        do(run, small, digits, spent)

    [first, second], [whole_first, whole_second, _] = epochs_without_clock(cut), epochs_without_clock(whole)

    assert first == whole_first
    assert second["images"] == 200
    assert 0 <= second["train_accuracy"] * 200 <= 200
    assert second["train_accuracy"] * 200 == pytest.approx(round(second["train_accuracy"] * 200))
    assert second["val_accuracy"] * 250 == pytest.approx(round(second["val_accuracy"] * 250))
    assert second["val_accuracy"] != whole_second["val_accuracy"]


def test_a_budget_of_seconds_ends_an_epoch_at_the_first_batch_after_them(experiment, trial_of, digits):
    budget, small = Budget("seconds", 1e-6), experiment()
    run = trial_of(small, budget)

    do(run, small, digits, budget)

    assert [record["images"] for record in run.history()] == [100]
    assert run.history()[0]["clock"]["train_seconds"] >= 1e-6


# --- divergence ---------------------------------------------------------------------------------------------------


def test_a_trial_whose_loss_is_no_number_ends_without_an_accuracy(experiment, trial_of, digits):
    wild = experiment(optimizer="sgd", lr=1e30)
    run = trial_of(wild, SAMPLES)

    result = do(run, wild, digits, SAMPLES)

    assert (result["status"], result["metrics"]) == ("diverged", {})
    assert result["epoch"] == len(run.history())
    assert all(math.isfinite(record["train_loss"]) for record in run.history())
    assert run.result()["status"] == "diverged"


def test_a_trial_that_diverged_is_not_tried_again(experiment, trial_of, digits):
    wild = experiment(optimizer="sgd", lr=1e30)
    run = trial_of(wild, SAMPLES)
    first = do(run, wild, digits, SAMPLES)
    before = (run.folder / "result.json").stat().st_mtime_ns

    again = do(run, wild, digits, SAMPLES)

    assert again["epoch"] == first["epoch"]
    assert (run.folder / "result.json").stat().st_mtime_ns == before


# --- the test set -------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """A folder with an experiment that its source validates, keeps and probes on, and a plain one."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "plain.py").write_text(PLAIN)
    (folder / "choosy.py").write_text(CHOOSY)
    return folder


@pytest.fixture
def job(own, tmp_path):
    """What the worker is told of a trial, or of an ordinary run where there is no budget."""
    from suite.recipe import registry

    def make(name, data, budget=SAMPLES):
        experiment = registry.load([own]).choose([name])[0]
        identity = trial_identity(experiment, budget) if budget else experiment.identity
        return Job(Run.under(tmp_path / "runs", name, identity, 0), data, {}, (own,), budget)

    return make


@pytest.mark.commands
def test_a_trial_is_trained_where_there_are_no_test_images(job, tmp_path):
    data = tmp_path / "digits"
    shutil.copytree(ensure("digits", say=lambda _: None), data)
    for path in data.glob("t10k-*"):
        path.unlink()
    trials, ordinary = [job("plain", data), job("choosy", data)], job("plain", data, None)

    events = [(index, plain(event)) for index, event in local_processes(2).run(work, [*trials, ordinary])]

    assert [path.name for path in sorted(data.iterdir())] == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
    ends = {index: event for index, event in events if event["event"] in ("done", "failed")}
    assert ends[0]["result"] == ends[1]["result"] == {"status": "trained"}
    assert [len(one.run.history()) for one in trials] == [3, 3]
    assert ends[2]["event"] == "failed", "the ordinary run needs what was taken away"
    assert "t10k-images" in ends[2]["reason"]


WATCHING = """
import json, sys
from pathlib import Path

opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)

from suite.recipe import registry
from suite.recipe.trial import Budget, trial_identity
from suite.disk.journal import Run
from suite.runs.worker import Job, work
from tests.events import plain

name, own, data, place, trial, log = sys.argv[1:]
budget = Budget("samples", 3) if trial == "trial" else None
experiment = registry.load([Path(own)]).choose([name])[0]
identity = trial_identity(experiment, budget) if budget else experiment.identity
run = Run.under(Path(place), name, identity, 0)
events = []
work(Job(run, Path(data), {}, (Path(own),), budget), events.append)
Path(log).write_text(json.dumps({"opened": opened, "events": [*map(plain, events)]}))
"""


@pytest.mark.commands
@pytest.mark.parametrize("name", ["plain", "choosy"])
def test_no_file_of_the_test_set_is_opened_by_a_trial(own, tmp_path, name):
    data, found = ensure("digits", say=lambda _: None), {}
    for kind in ("trial", "ordinary"):
        words = [name, own, data, tmp_path / "runs", kind, tmp_path / f"{kind}.json"]
        answer = answer_of(python("-c", WATCHING, *map(str, words)))
        assert answer.code == 0, answer
        found[kind] = json.loads((tmp_path / f"{kind}.json").read_text())

    seen = {kind: {path for path in one["opened"] if "ubyte" in path} for kind, one in found.items()}
    files = {str(path) for path in data.iterdir() if "ubyte" in path.name}
    assert {kind: one["events"][-1]["event"] for kind, one in found.items()} == {"trial": "done", "ordinary": "done"}
    assert seen["ordinary"] == files, "the watch sees what is opened"
    assert seen["trial"] == {path for path in files if "train-" in path}
    assert [path for path in found["trial"]["opened"] if "t10k" in path] == []
