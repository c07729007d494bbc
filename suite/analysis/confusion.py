"""Which classes are taken for which: the matrix, the figures by class, and the pairs confused most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.analysis.intervals import FEWEST, LEVEL, Interval, wilson
from suite.analysis.significance import holm

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two classes and how many images of each were taken for the other."""

    one: str
    other: str
    one_as_other: float
    other_as_one: float

    @property
    def total(self) -> float:
        """Both cells together."""
        return self.one_as_other + self.other_as_one


@dataclass(frozen=True)
class ClassFigures:
    """One class among `images` of its own: precision, recall and their harmonic mean; 0 where nothing was predicted.

    The intervals are Wilson's: the sampling error of the test images, not the spread between seeds.
    """

    name: str
    images: float
    precision: float
    recall: float
    f1: float
    precision_interval: Interval
    recall_interval: Interval
    f1_interval: Interval


@dataclass(frozen=True)
class Cell:
    """A cell of two experiments' matrices, by the classes' numbers: its mean counts, and Holm's p of the difference."""

    true: int
    predicted: int
    one: float
    other: float
    p: float


def confusion(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int = 10) -> Matrix:
    """Counts (true class, predicted class) of labels (n,) and predictions (n,)."""
    counts = np.bincount(labels.astype(np.int64) * classes + predicted.astype(np.int64), minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def by_class(matrix: Matrix, names: Sequence[str]) -> list[ClassFigures]:
    """Precision, recall and F1 of every class, with intervals.

    `matrix` (c, c) may be the mean over seeds, which counts as the test images of one seed. F1 is 2 J / (1 + J), where
    J is the share of right ones among the images that are or are called this class (F* of Hand, Christen, Kirielle
    2021, Jaccard's index); so Wilson's interval of J, put through the same formula, is one of F1.
    """
    right, true, claimed = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision, recall = _ratio(right, claimed), _ratio(right, true)
    f1 = _ratio(2 * right, true + claimed)
    intervals = [
        [wilson(hits, images) for hits, images in zip(right.tolist(), whole.tolist(), strict=True)]
        for whole in (claimed, true, true + claimed - right)
    ]
    intervals[2] = [Interval(*(2 * share / (1 + share) for share in (one.low, one.high))) for one in intervals[2]]
    return [ClassFigures(*row) for row in zip(names, true, precision, recall, f1, *intervals, strict=True)]


def spread(matrices: Matrix) -> tuple[Matrix, Matrix]:
    """Mean and standard deviation (c, c) of every cell over the seeds' matrices (n, c, c); nan for a single seed."""
    deviation = matrices.std(axis=0, ddof=1) if len(matrices) > 1 else np.full(matrices.shape[1:], np.nan)
    return matrices.mean(axis=0), deviation


def changed_cells(one: Matrix, other: Matrix, level: float = LEVEL) -> list[Cell]:
    """The cells whose counts differ by more than the seeds explain, the surest first.

    `one` (n, c, c) and `other` (k, c, c) are the seeds' matrices of two experiments on the same test images. Student's
    t with pooled variance and Holm's correction over all cells: one cell or more is named by mistake in 1 - level of
    all pairs of equal experiments or fewer. Few small counts are often equal by luck, and then seem to have no spread;
    so no cell's variance is taken for less than what cells of its size have on average, `_usual_variance`.
    With three seeds on a side only gross changes stand out from a hundred cells; five see a tenth of a class moved.
    Raises `ValueError` below `FEWEST` seeds on a side.
    """
    from scipy.special import stdtr

    n, k = len(one), len(other)
    if min(n, k) < FEWEST:
        raise ValueError(f"{FEWEST} seeds at least on each side, got {n} and {k}")
    own = ((n - 1) * one.var(axis=0, ddof=1) + (k - 1) * other.var(axis=0, ddof=1)) / (n + k - 2)
    means = one.mean(axis=0), other.mean(axis=0)
    variance = np.maximum(own, _usual_variance(own, (n * means[0] + k * means[1]) / (n + k)))
    gaps = np.abs(means[0] - means[1])
    ts = np.divide(gaps, np.sqrt(variance * (1 / n + 1 / k)), out=np.zeros_like(gaps), where=gaps > 0)
    ps = holm((2 * stdtr(n + k - 2, -ts)).ravel().tolist())
    rows = zip(np.ndindex(gaps.shape), *(mean.ravel().tolist() for mean in means), ps, strict=True)
    return sorted((Cell(*at, *row) for at, *row in rows if row[-1] < 1 - level), key=lambda cell: cell.p)


def confused_pairs(matrix: Matrix, names: Sequence[str], most: int = 5) -> list[Pair]:
    """The pairs with the most confusions in both directions together, most first."""
    pairs = [
        Pair(names[i], names[j], float(matrix[i, j]), float(matrix[j, i]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    return sorted(pairs, key=lambda pair: -pair.total)[:most]


def _ratio(part: Matrix, whole: Matrix) -> Matrix:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _usual_variance(own: Matrix, mean: Matrix) -> Matrix:
    """A binomial's variance for each cell, times how much the cells spread on average compared with it."""
    images = mean.sum(axis=1, keepdims=True)
    binomial = mean * (1 - _ratio(mean, images + np.zeros_like(mean)))
    found: Matrix = binomial * (own.sum() / max(binomial.sum(), 1e-300))
    return found
