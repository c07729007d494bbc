"""Which classes are taken for which: the matrix, the figures by class, and the pairs confused most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    """One class among `images` of its own: precision, recall and their harmonic mean; 0 where nothing was predicted."""

    name: str
    images: float
    precision: float
    recall: float
    f1: float


def confusion(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int = 10) -> Matrix:
    """Counts (true class, predicted class) of labels (n,) and predictions (n,)."""
    counts = np.bincount(labels.astype(np.int64) * classes + predicted.astype(np.int64), minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def by_class(matrix: Matrix, names: Sequence[str]) -> list[ClassFigures]:
    """Precision, recall and F1 of every class."""
    right, true, claimed = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision, recall = _ratio(right, claimed), _ratio(right, true)
    f1 = _ratio(2 * right, true + claimed)
    return [ClassFigures(*row) for row in zip(names, true, precision, recall, f1, strict=True)]


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
