"""How long training takes to reach a target accuracy, and the rank of a published figure among our results."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reached:
    """The cost of reaching a target: whole epochs, training images seen, and seconds of training only."""

    epochs: float
    images: float
    seconds: float


@dataclass(frozen=True)
class ReachedBySeeds:
    """How many of `n` seeds reached a target, and the median cost; None unless more than half reached it."""

    n: int
    reached: int
    median: Reached | None


def time_to(history: Sequence[Mapping[str, Any]], target: float) -> Reached | None:
    """The cost up to the first epoch whose test accuracy is at least `target`; None if there is none.

    `history` has one row per epoch, with `test_accuracy`, and with `train_seconds` and `images` counted from the start
    of training. Do not choose the target from this history: a run reaches its own best value by chance.
    """
    for epochs, row in enumerate(history, 1):
        if row["test_accuracy"] is not None and row["test_accuracy"] >= target:
            return Reached(epochs, row["images"], row["train_seconds"])
    return None


def over_seeds(found: Sequence[Reached | None]) -> ReachedBySeeds:
    """The median cost over seeds; a seed that never reached the target counts as infinitely expensive."""
    never = Reached(math.inf, math.inf, math.inf)
    rows = [one or never for one in found]
    median = Reached(
        *(statistics.median(getattr(row, name) for row in rows) for name in ("epochs", "images", "seconds"))
    )
    known = all(math.isfinite(value) for value in (median.epochs, median.images, median.seconds))
    return ReachedBySeeds(len(found), sum(one is not None for one in found), median if known else None)


def percentile_of(published: float, values: Sequence[float]) -> float:
    """The percentile (0 to 100) of a published figure among our values; equal values count half."""
    below, up_to = sum(value < published for value in values), sum(value <= published for value in values)
    return (below + up_to) * (50.0 / len(values))
