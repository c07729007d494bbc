"""What a trial may spend, when it is spent, and under which name its training is kept."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from suite.recipe import Recipe, Source
from suite.recipe import trial as budget_module
from suite.recipe.experiment import Experiment
from suite.recipe.trial import Budget, training_images, trial_identity

RECIPE = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=100, epochs=3)
EXPERIMENT = Experiment("small", Path("small.py"), RECIPE, lambda: None, "the network's text")


def epochs(*images, seconds=1.0):
    """A history: an epoch for each number of images."""
    return [{"epoch": n, "images": one, "clock": {"train_seconds": seconds}} for n, one in enumerate(images)]


# --- how far a history is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "portion", "enough"),
    [(3, 1.0, 3), (3, 1 / 3, 1), (4, 1 / 3, 2), (25, 1 / 3, 9), (6, 1 / 3, 2), (1, 1 / 3, 1), (1, 1.0, 1)],
)
def test_a_budget_of_samples_is_so_many_epochs_whatever_the_batch_size(amount, portion, enough):
    budget = Budget("samples", amount)

    for batch_size in (1, 64, 1_250):
        reached = [n for n in range(30) if budget.reached(epochs(*[1_250] * n), batch_size, portion)]
        assert reached == list(range(enough, 30))


@pytest.mark.parametrize("amount", range(1, 60))
def test_a_third_of_any_number_of_epochs_is_rounded_up_to_whole_ones(amount):
    budget, enough = Budget("samples", amount), -(-amount // 3)

    assert budget.reached(epochs(*[100] * enough), 10, 1 / 3)
    assert not budget.reached(epochs(*[100] * (enough - 1)), 10, 1 / 3)


@pytest.mark.parametrize(
    ("images", "batch_size", "steps"),
    [((), 100, 0), ((1_250,), 100, 13), ((1_250, 1_250), 100, 26), ((1_250, 300), 100, 16), ((1_250,), 1_250, 1)],
)
def test_a_budget_of_steps_counts_updates_and_a_last_small_batch_is_one(images, batch_size, steps):
    history = epochs(*images)

    assert Budget("steps", steps).reached(history, batch_size, 1.0)
    assert not Budget("steps", steps + 1).reached(history, batch_size, 1.0)


def test_a_portion_of_steps_is_reached_at_the_step_that_makes_it_up():
    assert Budget("steps", 39).reached(epochs(1_250), 100, 1 / 3)
    assert not Budget("steps", 40).reached(epochs(1_250), 100, 1 / 3)


def test_a_budget_of_seconds_adds_up_what_training_took():
    history = epochs(1_250, 1_250, 1_250, seconds=0.1)

    assert Budget("seconds", 0.3).reached(history, 100, 1.0)
    assert Budget("seconds", 0.9).reached(history, 100, 1 / 3)
    assert not Budget("seconds", 0.31).reached(history, 100, 1.0)
    assert not Budget("seconds", 0.3).reached(history[:2], 100, 1.0)


@pytest.mark.parametrize("kind", ["samples", "steps", "seconds"])
def test_nothing_trained_is_no_portion_of_any_budget(kind):
    assert not Budget(kind, 3).reached([], 100, 1 / 3)


# --- where an epoch ends ------------------------------------------------------------------------------------------


def test_an_epoch_of_samples_goes_to_its_last_image():
    assert Budget("samples", 1).left(epochs(1_250), 100) == (math.inf, math.inf)


def test_an_epoch_of_steps_ends_at_the_step_that_is_the_last():
    assert Budget("steps", 20).left(epochs(1_250), 100) == (7, math.inf)


def test_an_epoch_of_seconds_ends_when_they_are_over():
    assert Budget("seconds", 2.5).left(epochs(1_250, 1_250), 100) == (math.inf, 0.5)


# --- images and names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "images"), [("mnist", 50_000), ("fashion-mnist", 50_000), ("digits", 1_250)])
def test_five_of_six_images_train(data, images):
    assert training_images(data) == images


OTHERS = {
    "a kind": (EXPERIMENT, Budget("steps", 3)),
    "an amount": (EXPERIMENT, Budget("samples", 4)),
    "a rate": (EXPERIMENT.changed({"lr": 0.2}), Budget("samples", 3)),
    "a batch size": (EXPERIMENT.changed({"batch_size": 50}), Budget("samples", 3)),
    "data": (EXPERIMENT.changed({"data": "mnist"}), Budget("samples", 3)),
    "a network": (replace(EXPERIMENT, network_text="another"), Budget("samples", 3)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_trials_name_changes_with_all_that_its_training_depends_on(what):
    assert trial_identity(*OTHERS[what]) != trial_identity(EXPERIMENT, Budget("samples", 3))


def test_no_two_of_these_changes_meet_in_one_name():
    found = {trial_identity(*other) for other in OTHERS.values()}

    assert len(found) == len(OTHERS)


@pytest.mark.parametrize(("constant", "value"), [("VALIDATION", 5), ("FORMAT", 2)])
def test_a_trials_name_changes_with_the_share_that_validates_and_with_the_format(monkeypatch, constant, value):
    before = trial_identity(EXPERIMENT, Budget("samples", 3))
    monkeypatch.setattr(budget_module, constant, value)

    assert trial_identity(EXPERIMENT, Budget("samples", 3)) != before


@pytest.mark.parametrize(
    "same",
    [
        replace(EXPERIMENT, name="other", path=Path("other.py")),
        replace(EXPERIMENT, recipe=replace(RECIPE, source=Source(title="Somewhere", parameters=10))),
        replace(EXPERIMENT, recipe=replace(RECIPE, space={"lr": "0.1..1"})),
        EXPERIMENT.changed({"lr": 0.1}),
        EXPERIMENT.changed({"lr": 0.2}).changed({"lr": 0.1}),
    ],
    ids=["a file", "a source", "a space", "the same rate", "there and back"],
)
def test_a_trials_name_changes_with_nothing_else(same):
    assert trial_identity(same, Budget("samples", 3)) == trial_identity(EXPERIMENT, Budget("samples", 3))


def test_a_trial_is_never_taken_for_an_ordinary_run():
    found = trial_identity(EXPERIMENT, Budget("samples", 3))

    assert found != EXPERIMENT.identity
    assert len(found) == 64
    assert set(found) <= set("0123456789abcdef")
