"""Whether two classifiers differ on the same test images, and what is left of it after several such questions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class McNemar:
    """The images that only the one, or only the other had right, and how likely so uneven a split is by chance."""

    only_one: int
    only_other: int
    p: float


def mcnemar(one_right: Right, other_right: Right) -> McNemar:
    """McNemar's exact test (1947) of two classifiers on the same images, bool (m,) each, two-sided.

    It knows nothing of seeds: it compares these two trained classifiers, not the recipes they come from.
    """
    from scipy.stats import binomtest

    only_one, only_other = int((one_right & ~other_right).sum()), int((other_right & ~one_right).sum())
    p = float(binomtest(only_one, only_one + only_other).pvalue) if only_one + only_other else 1.0
    return McNemar(only_one, only_other, p)


def votes(predicted: NDArray[np.uint8], confidence: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The class (m,) that most seeds predict; a tie goes to the class whose predictions were surer in sum.

    `predicted` and `confidence` are (seeds n, images m).
    """
    images, classes = np.arange(predicted.shape[1]), int(predicted.max(initial=0)) + 1
    counts, sureness = np.zeros((2, len(images), classes))
    for row, sure in zip(predicted, confidence, strict=True):
        counts[images, row] += 1
        sureness[images, row] += sure
    tied = counts == counts.max(axis=1, keepdims=True)
    chosen: NDArray[np.intp] = np.where(tied, sureness, -1).argmax(axis=1)
    return chosen.astype(np.uint8)


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values adjusted so that any false claim among them all is as rare as one alone (Holm 1979), in order."""
    order = np.argsort(ps, kind="stable")
    adjusted = np.empty(len(ps))
    adjusted[order] = np.maximum.accumulate(np.asarray(ps)[order] * np.arange(len(ps), 0, -1))
    return [float(p) for p in adjusted.clip(max=1)]
