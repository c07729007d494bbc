"""Intervals: how far a mean over seeds, or a share of test images, may be from the truth."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
FEWEST = 3  # seeds: below that a t interval is wider than anything worth saying, or undefined


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, at the level `LEVEL` where no other is named."""

    low: float
    high: float


@dataclass(frozen=True)
class SeedGroup:
    """What one figure came to over the seeds of a recipe."""

    values: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def worst(self) -> float:
        return min(self.values)

    @property
    def best(self) -> float:
        return max(self.values)

    @property
    def sd(self) -> float | None:
        """The spread between seeds, None for a single one."""
        return statistics.stdev(self.values) if self.n > 1 else None

    @property
    def interval(self) -> Interval | None:
        """Student's t interval of the mean; None below three seeds, where it would say nothing."""
        if self.sd is None or self.n < FEWEST:
            return None
        from scipy.stats import t

        half = float(t.ppf(0.5 + LEVEL / 2, self.n - 1)) * self.sd / math.sqrt(self.n)
        return Interval(self.mean - half, self.mean + half)


def wilson(right: float, images: float, level: float = LEVEL) -> Interval:
    """Wilson's score interval of the share right/images: the sampling error of a test set of so many images.

    Means of counts over seeds are taken too: `images` is then what one seed was tested on, for the next seed brings no
    new images. Of no images nothing is known: 0 to 1.
    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    from scipy.special import ndtri

    square = float(ndtri(0.5 + level / 2)) ** 2
    middle, wrong = (right + square / 2) / (images + square), images - right
    half = math.sqrt(square * (right * wrong / images + square / 4)) / (images + square) if images else 0.5
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def group(values: Sequence[float]) -> SeedGroup:
    """The seeds' values as a group; there must be at least one."""
    return SeedGroup(tuple(float(value) for value in values))
