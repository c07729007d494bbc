"""What a comparison could have seen, and how many seeds it would take to see what it did not."""

import math
from dataclasses import replace

import numpy as np

from suite.analysis.intervals import FEWEST
from suite.analysis.paired import Difference

POWER = 0.8
_SLICES = 400  # of the chi-squared distribution: more do not change the fourth digit


def power_of(found: Difference, effect: float) -> float:
    """How likely a repetition with as many seeds and images calls a true difference of `effect` a difference.

    The interval of `difference` is wide or narrow as its seeds happen to be spread, so its chance is averaged over the
    spreads that may come: the variance between seeds is chi-squared with n - 1 degrees of freedom. Where the images
    add nothing this is the noncentral t of textbooks (Cohen 1988). The spreads are taken as they were found: with few
    seeds they are themselves uncertain, and so is what is said here.
    """
    from scipy.special import ndtr

    if found.se == 0:
        return float(effect != 0)
    halves = _halves(found)
    return float(np.mean(ndtr((effect - halves) / found.se) + ndtr((-effect - halves) / found.se)))


def detectable(found: Difference, power: float = POWER) -> float:
    """The smallest true difference that such a comparison calls a difference with this power, as a share of 1."""
    from scipy.optimize import brentq

    if found.se == 0:
        return 0.0
    most = 10 * (float(_halves(found).max()) + found.se)
    return float(brentq(lambda effect: power_of(found, effect) - power, 0, most))


def seeds_needed(found: Difference, power: float = POWER, most: int = 1_000) -> int | None:
    """The seeds in all with which a true difference as large as the one found would be seen with this power.

    None where `most` of them would not do: more seeds do not lessen what the choice of test images leaves open.
    """

    def enough(n: int) -> bool:
        return power_of(replace(found, n=n), found.mean) >= power

    if not enough(most):
        return None
    low, high = FEWEST - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _halves(found: Difference) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Half the intervals' widths, one for each slice of equal probability of the variance between seeds."""
    from scipy.special import chdtri

    shares = (np.arange(_SLICES) + 0.5) / _SLICES
    ratios = chdtri(found.n - 1, 1 - shares) / (found.n - 1)
    true = found.seeds_se * math.sqrt(found.n)
    tail = (1 - found.level) / 2
    return np.array([replace(found, seeds_sd=true * math.sqrt(ratio)).half(tail) for ratio in ratios])
