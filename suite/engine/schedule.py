"""The learning rate as a function of the step, so that a resumed run continues with the same rate."""

import math
from collections.abc import Callable

import torch

from suite.recipe import Recipe

FIRST = 1 / 25  # of the peak; the whole cycle is that of torch's OneCycleLR with its defaults
LAST = FIRST / 10_000
Shape = Callable[[int, int, float], float]  # of the step, the number of steps, and the recipe's rate


def rate(recipe: Recipe, step: int, steps: int, own: Shape | None = None) -> float:
    """The learning rate of one step, counted from 0, of `steps`; after the last step it stays constant.

    All schedules but one-cycle begin after a linear warm-up and are spread over the steps that are left then. `own` is
    the file's own schedule, for a recipe that asks for it.
    """
    if recipe.schedule == "one-cycle":
        return _one_cycle(recipe, step, steps)
    rising = _warm_up(recipe, steps)
    if step < rising:
        return recipe.lr * (step + 1) / (rising + 1)
    return _after_warm_up(recipe, step - rising, max(steps - rising, 1), own)


def _one_cycle(recipe: Recipe, step: int, steps: int) -> float:
    peak, end = max(_part(recipe, steps) - 1, 0.0), steps - 1
    if step < peak:
        return recipe.lr * _between(FIRST, 1.0, step / peak)
    return recipe.lr * _between(1.0, LAST, min((step - peak) / max(end - peak, 1e-9), 1.0))


def _after_warm_up(recipe: Recipe, step: int, steps: int, own: Shape | None) -> float:
    """torch's CosineAnnealingLR down to 0, its MultiStepLR, the file's own schedule, or a constant."""
    if own:
        return own(step, steps, recipe.lr)
    if recipe.schedule == "cosine":
        return recipe.lr * _between(1.0, 0.0, min(step / steps, 1.0))
    if recipe.schedule == "step":
        return recipe.lr * recipe.gamma ** sum(step >= share * steps for share in recipe.milestones)
    return recipe.lr


def _warm_up(recipe: Recipe, steps: int) -> int:
    """The number of steps in which the rate rises."""
    return round(_part(recipe, steps)) if recipe.warm_up else 0


def _part(recipe: Recipe, steps: int) -> float:
    """The warm-up in steps, of a share or of steps; a recipe has resolved None."""
    part = recipe.warm_up or 0.0
    return part * steps if part < 1 else part


def _between(start: float, end: float, share: float) -> float:
    """The value of a half cosine from `start` to `end`, at `share` (0 to 1) of the way."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def set_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of the next update."""
    for group in optimizer.param_groups:
        group["lr"] = value
