"""Ratios of times that were measured alternately in one session on one machine, with their errors.

A session consists of rounds with new processes each; a round consists of cycles in which every side works once.
The memory layout of a process alone makes a loop a few percent faster or slower. It changes between rounds, but all
cycles of a round share it. So the bootstrap resamples whole rounds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suite.analysis.intervals import LEVEL, Interval
from suite.analysis.margin import Verdict

Times = NDArray[np.float64]
Shown = Literal["equivalent", "better", "worse", "bounded", "undecided"]

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


@dataclass(frozen=True)
class Relation:
    """What is shown of a difference of `margin`, such as 0.03 for 3 %, between the times of two sides.

    `slower` is the interval of their ratio. `ruled_out` is the largest difference, in either direction, that is not
    ruled out, and `visible` the smallest that such a session detects in four of five cases; 0.03 for 3 % each.
    """

    shown: Shown
    margin: float
    slower: Interval
    ruled_out: float
    visible: float

    @property
    def words(self) -> str:
        """As the sentences of `compare --margin` say it; better is faster."""
        margin, faster = f"{100 * self.margin:g} %", self.slower.high < 1
        different = faster or self.slower.low > 1
        how = "faster" if faster else "slower"
        match self.shown:
            case "equivalent":
                less = f" It is shown to be {how}, but by less than that." if different else ""
                return f"Equivalent: {margin} or more are ruled out.{less}"
            case "better" | "worse":
                least = 1 / self.slower.high if faster else self.slower.low
                by = f"by {margin} or more" if least >= 1 + self.margin else f"whether by {margin} or more is open"
                return f"{self.shown.capitalize()}: {how}, {by}."
        bound = f"a difference above {100 * self.ruled_out:.1f} % is ruled out"
        if self.shown == "bounded":
            return f"No difference shown, and {bound}."
        return f"Undecided (could not have seen less than {100 * self.visible:.1f} %; {bound})."

    def facts(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {"shown": self.shown, "could_have_seen": self.visible, "ruled_out": self.ruled_out}


def relation(slower: Callable[[float], Interval], margin: float, rounds: int, among: int = 1) -> Relation:
    """What an interval of a ratio, given by its level, shows of a difference of `margin`; both sides had `rounds`.

    `equivalent`: neither side takes 1 + `margin` times as long, by two one-sided tests at 5 % on the logarithm
    (Schuirmann 1987). Else `better` (faster) or `worse` if the interval excludes 1. Else `bounded` if every difference
    is ruled out that such a session detects in four of five cases. `among` comparisons share the errors (Bonferroni).
    """
    from scipy.special import stdtrit

    strict = 1 - (1 - LEVEL) / among
    within, outside = slower(1 - 2 * (1 - LEVEL) / among), slower(strict)
    ruled_out = max(outside.high, 1 / outside.low) - 1
    quantiles = stdtrit(rounds - 1, [0.5 + strict / 2, _POWER])
    half = math.log(outside.high / outside.low) / 2  # the first quantile times the standard error
    visible = math.exp(half * float(quantiles.sum() / quantiles[0])) - 1
    shown: Shown = "bounded" if ruled_out <= visible else "undecided"
    if within.low > 1 / (1 + margin) and within.high < 1 + margin:
        shown = "equivalent"
    elif outside.low > 1 or outside.high < 1:
        shown = "worse" if outside.low > 1 else "better"
    return Relation(shown, margin, outside, ruled_out, visible)


def judge(slower: Interval, limit: float) -> Verdict:
    """The verdict: FAIL if the interval lies above the limit, PASS if it does not exceed it, else INCONCLUSIVE."""
    return "FAIL" if slower.low > limit else "PASS" if slower.high <= limit else "INCONCLUSIVE"
