"""Ratios of times that were measured in turn, in one session on one machine: how far from 1, and how sure that is.

A session has rounds, each with new processes, and in each round cycles in which every side works once. Between rounds
a process's place in memory changes, which alone makes a loop a few percent faster or slower, and cycles of one round
share it. So whole rounds are resampled.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.analysis.gate import Verdict
from suite.analysis.intervals import LEVEL, Interval

Times = NDArray[np.float64]

FEWEST_ROUNDS = 3
_DRAWS = 1_000
_POWER = 0.8


@dataclass(frozen=True)
class Ratio:
    """The median of the cycles' ratios, and the standard error of its logarithm over `rounds` of `cycles`."""

    value: float
    error: float
    rounds: int
    cycles: int
    level: float = LEVEL

    @property
    def interval(self) -> Interval:
        """Student's t with rounds - 1 degrees of freedom, on the logarithm: few rounds make it honestly wide."""
        half = self._quantile(0.5 + self.level / 2) * self.error
        return Interval(self.value * math.exp(-half), self.value * math.exp(half))

    @property
    def smallest_effect(self) -> float:
        """The ratio above 1 that such a session finds, its interval clear of 1, in four of five cases."""
        return math.exp((self._quantile(0.5 + self.level / 2) + self._quantile(_POWER)) * self.error)

    def facts(self) -> dict[str, float]:
        """As plain values."""
        low, high = self.interval.low, self.interval.high
        return {"value": self.value, "low": low, "high": high, "error": self.error, "rounds": self.rounds,
                "cycles": self.cycles}  # fmt: skip

    def _quantile(self, share: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.rounds - 1, share))


def ratio(one: Times, other: Times, level: float = LEVEL) -> Ratio:
    """How many times as long `one` took as `other`; seconds (rounds, cycles) each, with the same work in each cell.

    The standard error is that of a bootstrap of whole rounds (Davison and Hinkley, Bootstrap Methods and their
    Application, 1997, section 3.8: drawing within the rounds too would count their noise twice), times √(R/(R - 1)),
    by which it falls short with R rounds. Its draws are the same every time. Raises `ValueError` below
    `FEWEST_ROUNDS` or where the shapes differ.
    """
    if one.ndim != 2 or one.shape != other.shape or one.shape[0] < FEWEST_ROUNDS or not one.shape[1]:
        raise ValueError(f"expected (rounds, cycles) twice, {FEWEST_ROUNDS} rounds or more: {one.shape}, {other.shape}")
    logs = np.log(one / other)
    rounds, cycles = logs.shape
    chosen = np.random.default_rng(0).integers(rounds, size=(_DRAWS, rounds))
    drawn = np.median(logs[chosen].reshape(_DRAWS, -1), axis=1)
    error = float(drawn.std(ddof=1)) * math.sqrt(rounds / (rounds - 1))
    return Ratio(math.exp(float(np.median(logs))), error, rounds, cycles, level)


def over(now: Ratio, then: Ratio) -> Interval:
    """Where now/then is, two ratios measured apart, each with its own error.

    Each end takes the squares of the two distances to the ends that it depends on (Zou and Donner 2008, MOVER).
    """
    middle = math.log(now.value / then.value)
    half = math.hypot(*(math.log(one.interval.high / one.value) for one in (now, then)))
    return Interval(math.exp(middle - half), math.exp(middle + half))


def judge(slower: Interval, limit: float) -> Verdict:
    """PASS: not slower by the limit. FAIL: slower than the limit allows. INCONCLUSIVE: the interval holds the limit."""
    return "FAIL" if slower.low > limit else "PASS" if slower.high <= limit else "INCONCLUSIVE"
