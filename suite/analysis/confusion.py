"""Confusion between classes: the matrix, precision and recall by class, and the most confused pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.analysis.intervals import FEWEST, LEVEL, Interval, wilson
from suite.analysis.significance import holm

Matrix = NDArray[np.float64]
MOST_SQUARE = 50
"""The most classes of which a file or a table has every cell; of more, only the cells that are not 0."""
CELLS = ("true", "predicted", "images")
"""The columns of such a file."""


@dataclass(frozen=True)
class Pair:
    """Two classes, and how many images of each were classified as the other."""

    one: str
    other: str
    one_as_other: float
    other_as_one: float

    @property
    def total(self) -> float:
        """The sum of both counts."""
        return self.one_as_other + self.other_as_one


@dataclass(frozen=True)
class ClassFigures:
    """One class with `images` test images: precision, recall and F1; precision is 0 if the class is never predicted.

    The intervals are Wilson's: they show the sampling error of the test images, not the spread between seeds.
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
    """One cell in the matrices of two experiments: class numbers, mean counts, and the Holm-adjusted p-value."""

    true: int
    predicted: int
    one: float
    other: float
    p: float


def confusion(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int = 10) -> Matrix:
    """The confusion matrix (true class, predicted class) of labels (n,) and predictions (n,), as counts."""
    counts = np.bincount(labels.astype(np.int64) * classes + predicted.astype(np.int64), minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def by_class(matrix: Matrix, names: Sequence[str]) -> list[ClassFigures]:
    """Precision, recall and F1 of every class, with intervals.

    `matrix` (c, c) may be the mean over seeds; it then counts as the test images of one seed.
    F1 = 2 J / (1 + J), where J is Jaccard's index: the correct predictions of this class, divided by all images that
    have this class as label or as prediction (F* in Hand, Christen, Kirielle 2021). The formula is increasing, so
    it turns Wilson's interval of J into an interval of F1.
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
    """Mean and standard deviation (c, c) of each cell over the seeds' matrices (n, c, c); nan for one seed."""
    deviation = matrices.std(axis=0, ddof=1) if len(matrices) > 1 else np.full(matrices.shape[1:], np.nan)
    return matrices.mean(axis=0), deviation


def changed_cells(one: Matrix, other: Matrix, level: float = LEVEL) -> list[Cell]:
    """The cells whose counts differ by more than the spread between seeds explains, smallest p-value first.

    `one` (n, c, c) and `other` (k, c, c) are the seeds' matrices of two experiments on the same test images.
    Method: Student's t with pooled variance, and Holm's correction over all cells. So two equal experiments get any
    cell at all with a probability of at most 1 - level. Small counts from few seeds are often equal by chance, and
    their variance then looks like 0; each cell's variance is therefore at least `_usual_variance`.
    Three seeds per side detect only large changes among a hundred cells; five detect a tenth of a class that moved.
    Raises `ValueError` if a side has fewer than `FEWEST` seeds.
    """
    from scipy.special import stdtr

    n, k = len(one), len(other)
    if min(n, k) < FEWEST:
        raise ValueError(f"each side needs at least {FEWEST} seeds, got {n} and {k}")
    own = ((n - 1) * one.var(axis=0, ddof=1) + (k - 1) * other.var(axis=0, ddof=1)) / (n + k - 2)
    means = one.mean(axis=0), other.mean(axis=0)
    variance = np.maximum(own, _usual_variance(own, (n * means[0] + k * means[1]) / (n + k)))
    gaps = np.abs(means[0] - means[1])
    ts = np.divide(gaps, np.sqrt(variance * (1 / n + 1 / k)), out=np.zeros_like(gaps), where=gaps > 0)
    ps = np.reshape(holm((2 * stdtr(n + k - 2, -ts)).ravel().tolist()), gaps.shape)
    found = [
        Cell(i, j, float(means[0][i, j]), float(means[1][i, j]), float(ps[i, j]))
        for i, j in np.argwhere(ps < 1 - level).tolist()
    ]
    return sorted(found, key=lambda cell: cell.p)


def confused_pairs(matrix: Matrix, names: Sequence[str], most: int = 5) -> list[Pair]:
    """The `most` pairs of classes with the most confusions, both directions added, highest first."""
    ones, others = np.triu_indices(len(names), 1)
    first = np.argsort(-(matrix[ones, others] + matrix[others, ones]), kind="stable")[:most]
    pairs = zip(ones[first], others[first], strict=True)
    return [Pair(names[i], names[j], float(matrix[i, j]), float(matrix[j, i])) for i, j in pairs]


def _ratio(part: Matrix, whole: Matrix) -> Matrix:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _usual_variance(own: Matrix, mean: Matrix) -> Matrix:
    """The binomial variance of each cell, scaled so that all cells together have the observed variance."""
    images = mean.sum(axis=1, keepdims=True)
    binomial = mean * (1 - _ratio(mean, images + np.zeros_like(mean)))
    found: Matrix = binomial * (own.sum() / max(binomial.sum(), 1e-300))
    return found
