"""Confidence intervals of a mean over seeds and of a share of test images."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
FEWEST = 3  # seeds: with two a t interval is too wide to be useful, with one it is undefined


@dataclass(frozen=True)
class Interval:
    """An interval from `low` to `high`, at the confidence level `LEVEL` unless another one is named."""

    low: float
    high: float


@dataclass(frozen=True)
class SeedGroup:
    """The values of one metric over the seeds of a recipe."""

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
        """The standard deviation between seeds; None for a single seed."""
        return statistics.stdev(self.values) if self.n > 1 else None

    @property
    def interval(self) -> Interval | None:
        """Student's t interval of the mean; None for fewer than three seeds, where it would be too wide."""
        if self.sd is None or self.n < FEWEST:
            return None
        from scipy.special import stdtrit

        half = float(stdtrit(self.n - 1, 0.5 + LEVEL / 2)) * self.sd / math.sqrt(self.n)
        return Interval(self.mean - half, self.mean + half)


def wilson(right: float, images: float, level: float = LEVEL) -> Interval:
    """Wilson's score interval of the share right/images: the sampling error of a test set of this size.

    Both counts may be means over seeds. `images` is then the number of test images of one seed, because further seeds
    add no new images. Without images the interval is 0 to 1.
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    from scipy.special import ndtri

    square = float(ndtri(0.5 + level / 2)) ** 2
    middle, wrong = (right + square / 2) / (images + square), images - right
    half = math.sqrt(square * (right * wrong / images + square / 4)) / (images + square) if images else 0.5
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def group(values: Sequence[float]) -> SeedGroup:
    """The values of the seeds, at least one, as a group."""
    return SeedGroup(tuple(float(value) for value in values))
