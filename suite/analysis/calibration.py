"""Calibration: whether a classifier's confidence matches its accuracy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bin:
    """The `n` predictions whose confidence lies in (`low`, `high`]: their mean confidence and their accuracy."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error (0 to 1) and the reliability curve: all bins that are not empty."""

    ece: float
    bins: tuple[Bin, ...]


def calibration(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15) -> Calibration:
    """The expected calibration error and the reliability curve of some predictions, over `bins` of equal width.

    Each bin is weighted by its number of predictions. `confidence` and `right` may have any shape, but the same one.
    A confidence of 0 counts in the first bin.
    Source: Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks (2017), section 2.
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
