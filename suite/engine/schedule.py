"""The learning rate as a function of the step, so that a resumed run continues with the same rate."""

import math

import torch

from suite.recipe import Recipe

FIRST = 1 / 25  # of the peak; the whole cycle is that of torch's OneCycleLR with its defaults
LAST = FIRST / 10_000


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of one step, counted from 0, of `steps`; after the last step it stays constant."""
    if recipe.schedule == "constant":
        return recipe.lr
    peak, end = max(recipe.warm_up * steps - 1, 0.0), steps - 1
    if step < peak:
        return recipe.lr * _between(FIRST, 1.0, step / peak)
    return recipe.lr * _between(1.0, LAST, min((step - peak) / max(end - peak, 1e-9), 1.0))


def _between(start: float, end: float, share: float) -> float:
    """The value of a half cosine from `start` to `end`, at `share` (0 to 1) of the way."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def set_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of the next update."""
    for group in optimizer.param_groups:
        group["lr"] = value
