"""Whether a classifier is right as often as it says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bin:
    """The `n` answers with a confidence above `low` and up to `high`: how sure they were, and how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error, a share of 1, and the reliability curve: the bins that hold an answer."""

    ece: float
    bins: tuple[Bin, ...]


def calibration(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15) -> Calibration:
    """How far confidence and accuracy are apart, in `bins` of equal width, weighted by the answers in each.

    Arrays of any one shape. Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks (2017), section 2;
    a confidence of 0 counts in the first bin.
    """
    edges = np.linspace(0, 1, bins + 1)
    sure, good = confidence.astype(np.float64).ravel(), right.ravel()
    which = np.searchsorted(edges[1:-1], sure, side="left")
    counts = np.bincount(which, minlength=bins)
    sums, rights = (np.bincount(which, weights=values, minlength=bins) for values in (sure, good))
    found = tuple(
        Bin(float(edges[k]), float(edges[k + 1]), int(n), float(sums[k] / n), float(rights[k] / n))
        for k, n in enumerate(counts)
        if n
    )
    return Calibration(float(np.abs(sums - rights).sum() / max(1, sure.size)), found)
