"""Significance tests of classifiers on the same test images, and the correction for several tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class McNemar:
    """How many images only one classifier got right, for each of the two, and the p-value of McNemar's test."""

    only_one: int
    only_other: int
    p: float


def mcnemar(one_right: Right, other_right: Right) -> McNemar:
    """McNemar's exact two-sided test (1947) of two classifiers on the same images: correct answers, bool (m,) each.

    It compares two trained classifiers, not their recipes: it does not take the spread between seeds into account.
    Both tails of the binomial distribution are equal; as an incomplete beta function they need no `scipy.stats`,
    which takes seconds to load.
    """
    from scipy.special import betainc

    only_one, only_other = int((one_right & ~other_right).sum()), int((other_right & ~one_right).sum())
    fewer, more = sorted((only_one, only_other))
    p = min(1.0, 2 * float(betainc(more, fewer + 1, 0.5))) if fewer < more else 1.0
    return McNemar(only_one, only_other, p)


def votes(predicted: NDArray[np.integer], confidence: NDArray[np.floating]) -> NDArray[np.integer]:
    """The class that most seeds predict for each image (m,), of `predicted`'s type.

    A tie goes to the higher sum of confidence, then to the first class. `predicted` and `confidence` are (seeds n,
    images m).
    """
    images, classes = predicted.shape[1], int(predicted.max(initial=0)) + 1
    named = np.arange(images) * classes + predicted.astype(np.int64)  # a number for each image and class
    found, index, counts = np.unique(named, return_inverse=True, return_counts=True)
    sureness = np.bincount(index.ravel(), weights=confidence.astype(np.float64).ravel(), minlength=len(found))
    order = np.lexsort((-found, sureness, counts, found // classes))
    last = np.searchsorted(found[order] // classes, np.arange(images), side="right") - 1
    return (found[order][last] % classes).astype(predicted.dtype)


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values adjusted for multiple testing (Holm 1979), in the given order: the family-wise error is limited."""
    order = np.argsort(ps, kind="stable")
    adjusted = np.empty(len(ps))
    adjusted[order] = np.maximum.accumulate(np.asarray(ps)[order] * np.arange(len(ps), 0, -1))
    return [float(p) for p in adjusted.clip(max=1)]
