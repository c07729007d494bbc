"""Power analysis: the smallest difference that a comparison can detect, and how many seeds a given one needs."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from suite.analysis.intervals import FEWEST
from suite.analysis.paired import Difference

POWER = 0.8
_SLICES = 400  # slices of the chi-squared distribution; more do not change the fourth digit


def power_of(found: Difference, effect: float, n: int | None = None) -> float:
    """The probability that such a comparison, or one with `n` seeds, detects a true difference of `effect`.

    The width of the interval depends on the observed spread between seeds, which is random. So the probability is
    averaged over it: the variance of n seeds follows a chi-squared distribution with n - 1 degrees of freedom. If the
    images add no variance, this is the noncentral t of the textbooks (Cohen 1988).

    With few seeds the standard deviation is usually underestimated. We correct it so that its median is unbiased: half
    of all comparisons then report too much power, and half too little.
    """
    from scipy.special import chdtri, ndtr

    expected = replace(found, n=n or found.n, seeds_sd=_seeds_sd(found))
    if expected.se == 0:
        return float(effect != 0)
    slices = (np.arange(_SLICES) + 0.5) / _SLICES  # each as likely as any other
    spreads = expected.seeds_sd * np.sqrt(chdtri(expected.n - 1, slices) / (expected.n - 1))
    halves = expected.halves((1 - expected.level) / 2, spreads)
    return float(np.mean(ndtr((effect - halves) / expected.se) + ndtr((-effect - halves) / expected.se)))


def detectable(found: Difference, power: float = POWER, n: int | None = None) -> float:
    """The smallest true difference in accuracy (0 to 1) that such a comparison, or one with `n` seeds, detects.

    1, the largest difference there is, also if not even that would be detected.
    """
    from scipy.optimize import brentq

    if power_of(found, 1.0, n) < power:
        return 1.0
    return float(brentq(lambda effect: power_of(found, effect, n) - power, 0, 1, xtol=1e-6)) if found.se else 0.0


def power_within(found: Difference, margin: float, n: int | None = None) -> float:
    """The probability that equal recipes are shown to differ by less than `margin` by such a comparison.

    With `n` seeds, if that is given. Averaged over the observed spread between seeds as in `power_of`.
    """
    from scipy.special import chdtri, ndtr

    expected = replace(found, n=n or found.n, seeds_sd=_seeds_sd(found))
    if expected.se == 0:
        return 1.0
    slices = (np.arange(_SLICES) + 0.5) / _SLICES
    spreads = expected.seeds_sd * np.sqrt(chdtri(expected.n - 1, slices) / (expected.n - 1))
    room = margin - expected.halves(1 - expected.level, spreads)  # two one-sided tests
    return float(np.mean(np.maximum(0, 2 * ndtr(room / expected.se) - 1)))


def seeds_needed(found: Difference, power: float = POWER, most: int = 1_000) -> int | None:
    """The total number of seeds that detects a true difference as large as the observed one with this power.

    None if `most` seeds do not suffice: more seeds do not reduce the error that the choice of test images causes.
    """
    return fewest_seeds(lambda n: power_of(found, found.mean, n), power, most)


def fewest_seeds(power_with: Callable[[int], float], power: float = POWER, most: int = 1_000) -> int | None:
    """The smallest number of seeds whose power, which grows with them, is `power`; None if `most` do not suffice."""
    if power_with(most) < power:
        return None
    return bisect_left(range(most), True, lo=FEWEST, key=lambda n: power_with(n) >= power)


def _seeds_sd(found: Difference) -> float:
    """The standard deviation between seeds, corrected so that its median is unbiased."""
    from scipy.special import chdtri

    usual = float(chdtri(found.n - 1, 0.5)) / (found.n - 1)
    return max(found.seeds_sd / math.sqrt(usual), found.rest_sd / math.sqrt(found.images))
