"""What a comparison could have seen, and how many seeds it would take to see what it did not."""

import math
from bisect import bisect_left
from dataclasses import replace

import numpy as np

from suite.analysis.intervals import FEWEST
from suite.analysis.paired import Difference

POWER = 0.8
_SLICES = 400  # of the chi-squared distribution: more do not change the fourth digit


def power_of(found: Difference, effect: float, n: int | None = None) -> float:
    """How likely a comparison as this one, or with `n` seeds in all, calls a true difference of `effect` a difference.

    The interval of `difference` is wide or narrow as its seeds happen to be spread, so the chance is averaged over the
    spreads that may come: the variance between n seeds is chi-squared with n - 1 degrees of freedom. Where images add
    nothing this is the noncentral t of textbooks (Cohen 1988).

    What few seeds show of the spread is too little more often than too much. It is put right in the median, so half of
    all comparisons announce more power than there is and half announce less.
    """
    from scipy.special import chdtri, ndtr

    expected = replace(found, n=n or found.n, seeds_sd=_seeds_sd(found))
    if expected.se == 0:
        return float(effect != 0)
    slices = (np.arange(_SLICES) + 0.5) / _SLICES  # each as likely as any other
    spreads = expected.seeds_sd * np.sqrt(chdtri(expected.n - 1, slices) / (expected.n - 1))
    halves = expected.halves((1 - expected.level) / 2, spreads)
    return float(np.mean(ndtr((effect - halves) / expected.se) + ndtr((-effect - halves) / expected.se)))


def detectable(found: Difference, power: float = POWER) -> float:
    """The smallest true difference that such a comparison calls a difference with this power, as a share of 1."""
    from scipy.optimize import brentq

    most = 1.0
    while power_of(found, most) < power:
        most *= 2
    return float(brentq(lambda effect: power_of(found, effect) - power, 0, most, xtol=1e-6)) if found.se else 0.0


def seeds_needed(found: Difference, power: float = POWER, most: int = 1_000) -> int | None:
    """The seeds in all with which a true difference as large as the one found would be seen with this power.

    None where `most` of them would not do: more seeds do not lessen what the choice of test images leaves open.
    """

    def enough(n: int) -> bool:
        return power_of(found, found.mean, n) >= power

    if not enough(most):
        return None
    return bisect_left(range(most), True, lo=FEWEST, key=enough)


def _seeds_sd(found: Difference) -> float:
    """The spread between seeds that the found one is as likely above as below."""
    from scipy.special import chdtri

    usual = float(chdtri(found.n - 1, 0.5)) / (found.n - 1)
    return max(found.seeds_sd / math.sqrt(usual), found.rest_sd / math.sqrt(found.images))
