"""The learning rate as a function of the step alone, so that a resumed run goes on at the rate it had come to."""

import math

import torch

from suite.recipe import Recipe

FIRST = 1 / 25  # of the peak: the shape is that of torch's OneCycleLR as it is by default
LAST = FIRST / 10_000


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The rate of one step, counted from 0, of so many; past the last it stays where the cycle ended."""
    if recipe.schedule == "constant":
        return recipe.lr
    peak, end = max(recipe.warm_up * steps - 1, 0.0), steps - 1
    if step < peak:
        return recipe.lr * _between(FIRST, 1.0, step / peak)
    return recipe.lr * _between(1.0, LAST, min((step - peak) / max(end - peak, 1e-9), 1.0))


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` to `end`."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def set_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Let the next update be of this rate."""
    for group in optimizer.param_groups:
        group["lr"] = value
