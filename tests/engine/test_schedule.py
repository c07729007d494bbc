"""The learning rate is a function of the step, and the one that torch's own scheduler gives."""

import pytest
import torch

from suite.engine.schedule import rate, set_rate

STEPS = (4, 7, 10, 235, 1_000)


@pytest.mark.parametrize("warm_up", [0.3, 0.5])
@pytest.mark.parametrize("steps", STEPS)
def test_one_cycle_is_torchs_own(experiment, steps, warm_up):
    recipe = experiment(schedule="one-cycle", lr=0.02, warm_up=warm_up).recipe
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.02, total_steps=steps, pct_start=warm_up, cycle_momentum=False
    )

    for step in range(steps):
        assert rate(recipe, step, steps) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9), step
        optimizer.step()
        if step < steps - 1:
            theirs.step()


@pytest.mark.parametrize(
    "fields", [{}, *({"schedule": "one-cycle", "warm_up": share} for share in (0.0, 0.01, 0.3, 0.999))]
)
@pytest.mark.parametrize("steps", [1, 2, 3, *STEPS])
def test_every_rate_is_above_0_and_at_most_the_recipes(experiment, fields, steps):
    recipe = experiment(**fields).recipe

    found = [rate(recipe, step, steps) for step in range(steps + 5)]

    assert all(0 < one <= recipe.lr for one in found)
    assert found[steps:] == [found[-1]] * 5


def test_a_cycle_without_a_warm_up_begins_at_its_peak(experiment):
    recipe = experiment(schedule="one-cycle", warm_up=0).recipe

    rates = [rate(recipe, step, 100) for step in range(100)]

    assert rates[0] == recipe.lr
    assert rates == sorted(rates, reverse=True)


def test_a_constant_rate_is_the_recipes_to_the_last_bit(experiment):
    recipe = experiment(lr=0.1 + 0.2).recipe

    assert {rate(recipe, step, 10) for step in range(10)} == {0.1 + 0.2}


def test_the_next_update_is_of_the_rate_that_was_set():
    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0, fused=True)
    weight.grad = torch.ones(1)

    set_rate(optimizer, 0.25)
    optimizer.step()

    assert weight.item() == 0.75


def torchs(make, steps):
    """The rates of one of torch's schedulers, from a rate of 0.5."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    return found


@pytest.mark.parametrize("steps", STEPS)
def test_cosine_is_torchs_own(experiment, steps):
    recipe = experiment(schedule="cosine", lr=0.5).recipe

    theirs = torchs(lambda one: torch.optim.lr_scheduler.CosineAnnealingLR(one, T_max=steps), steps)

    assert [rate(recipe, step, steps) for step in range(steps)] == pytest.approx(theirs, rel=1e-9)
    assert rate(recipe, steps + 5, steps) == 0


@pytest.mark.parametrize("steps", [4, 1_000])
def test_steps_are_torchs_own(experiment, steps):
    recipe = experiment(schedule="step", lr=0.5, gamma=0.2).recipe

    theirs = torchs(
        lambda one: torch.optim.lr_scheduler.MultiStepLR(one, [steps // 2, steps * 3 // 4], gamma=0.2), steps
    )

    assert [rate(recipe, step, steps) for step in range(steps)] == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
@pytest.mark.parametrize("warm_up", [0.2, 20])
def test_a_warm_up_is_a_share_or_steps_and_the_schedule_follows_it(experiment, schedule, warm_up):
    warmed = experiment(schedule=schedule, lr=0.5, warm_up=warm_up).recipe
    cold = experiment(schedule=schedule, lr=0.5).recipe

    found = [rate(warmed, step, 100) for step in range(100)]

    assert found[:20] == pytest.approx([0.5 * (step + 1) / 21 for step in range(20)])
    assert found[20:] == [rate(cold, step, 80) for step in range(80)]
