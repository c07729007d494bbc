"""Ratios of times that were measured alternately in one session on one machine, with their errors.

A session consists of rounds with new processes each; a round consists of cycles in which every side works once.
The memory layout of a process alone makes a loop a few percent faster or slower. It changes between rounds, but all
cycles of a round share it. So the bootstrap resamples whole rounds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suite.analysis.intervals import LEVEL, Interval
from suite.analysis.margin import Verdict

Times = NDArray[np.float64]
Relation = Literal["equivalent", "slower", "faster", "open"]

FEWEST_ROUNDS = 3
_DRAWS = 1_000
_POWER = 0.8


@dataclass(frozen=True)
class Ratio:
    """The median ratio over all cycles, and the standard error of its logarithm, from `rounds` of `cycles` each."""

    value: float
    error: float
    rounds: int
    cycles: int
    level: float = LEVEL

    @property
    def interval(self) -> Interval:
        """The interval from Student's t with rounds - 1 degrees of freedom, computed on the logarithm."""
        half = self._quantile(0.5 + self.level / 2) * self.error
        return Interval(self.value * math.exp(-half), self.value * math.exp(half))

    @property
    def smallest_effect(self) -> float:
        """The smallest ratio above 1 that such a session tells from 1 with a power of 80 %."""
        return math.exp((self._quantile(0.5 + self.level / 2) + self._quantile(_POWER)) * self.error)

    @property
    def words(self) -> str:
        """`2.50 (2.41 to 2.60)`: the ratio and its interval."""
        return f"{self.value:.2f} ({self.interval.low:.2f} to {self.interval.high:.2f})"

    def facts(self) -> dict[str, float]:
        """The ratio as plain values, ready for JSON."""
        low, high = self.interval.low, self.interval.high
        return {"value": self.value, "low": low, "high": high, "error": self.error, "rounds": self.rounds,
                "cycles": self.cycles}  # fmt: skip

    def _quantile(self, share: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.rounds - 1, share))


def ratio(one: Times, other: Times, level: float = LEVEL) -> Ratio:
    """The ratio of the times of `one` to those of `other`: seconds (rounds, cycles) each, the same work in each cell.

    The standard error comes from a bootstrap of whole rounds (Davison and Hinkley, Bootstrap Methods and their
    Application, 1997, section 3.8; resampling cycles too would count their noise twice). With R rounds it is too small
    by √((R - 1)/R), so it is multiplied by √(R/(R - 1)). The bootstrap's seed is fixed. Raises `ValueError` for fewer
    than `FEWEST_ROUNDS` rounds or if the shapes differ.
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
    """The interval of now/then, for two ratios from different sessions.

    The half widths of the two intervals, on the logarithm, are added in squares (MOVER, Zou and Donner 2008).
    """
    middle = math.log(now.value / then.value)
    half = math.hypot(*(math.log(one.interval.high / one.value) for one in (now, then)))
    return Interval(math.exp(middle - half), math.exp(middle + half))


def relation(slower: Callable[[float], Interval], margin: float, among: int = 1) -> Relation:
    """What an interval of a ratio, given by its level, shows of a difference of `margin`, such as 0.03 for 3 %.

    `equivalent`: neither side takes 1 + `margin` times as long, by two one-sided tests at 5 % on the logarithm
    (Schuirmann 1987). Else `slower` or `faster` if the interval excludes 1. `among` comparisons share the errors.
    """
    within, outside = slower(1 - 2 * (1 - LEVEL) / among), slower(1 - (1 - LEVEL) / among)
    if within.low > 1 / (1 + margin) and within.high < 1 + margin:
        return "equivalent"
    return "slower" if outside.low > 1 else "faster" if outside.high < 1 else "open"


def judge(slower: Interval, limit: float) -> Verdict:
    """The verdict: FAIL if the interval lies above the limit, PASS if it does not exceed it, else INCONCLUSIVE."""
    return "FAIL" if slower.low > limit else "PASS" if slower.high <= limit else "INCONCLUSIVE"
