"""How long a target accuracy takes, and where a published figure stands among ours."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reached:
    """What it took to reach a target: whole epochs, training images seen, and seconds of training alone."""

    epochs: float
    images: float
    seconds: float


@dataclass(frozen=True)
class ReachedBySeeds:
    """How many of `n` seeds reached a target, and the median of what it took; None where half of them did not."""

    n: int
    reached: int
    median: Reached | None


def time_to(history: Sequence[Mapping[str, Any]], target: float) -> Reached | None:
    """The first epoch whose test accuracy is `target` or more, None where none is.

    A row an epoch, with `test_accuracy`, and with `train_seconds` and `images` counted from the start of training. The
    target must come from elsewhere than this history: the run's own best would be reached by luck.
    """
    for epochs, row in enumerate(history, 1):
        if row["test_accuracy"] is not None and row["test_accuracy"] >= target:
            return Reached(epochs, row["images"], row["train_seconds"])
    return None


def over_seeds(found: Sequence[Reached | None]) -> ReachedBySeeds:
    """The median over seeds; one that did not reach the target took longer than all that did."""
    never = Reached(math.inf, math.inf, math.inf)
    rows = [one or never for one in found]
    median = Reached(
        *(statistics.median(getattr(row, name) for row in rows) for name in ("epochs", "images", "seconds"))
    )
    known = all(math.isfinite(value) for value in (median.epochs, median.images, median.seconds))
    return ReachedBySeeds(len(found), sum(one is not None for one in found), median if known else None)


def percentile_of(published: float, values: Sequence[float]) -> float:
    """The published figure's place among our values, 0 to 100: those below it, and half of those equal to it."""
    from scipy.stats import percentileofscore

    return float(percentileofscore(values, published, kind="mean"))
