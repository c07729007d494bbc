"""Change points in a series of measurements over commits: where its mean changed, with a bounded rate of false alarms.

The statistic of a split is Student's two-sample t. A series is split where |t| is largest, and whether that is more
than chance is judged by permutations of the series, so that neither normal values nor a known variance are assumed;
only that without a change the order of the values means nothing. Then both parts are examined in the same way (binary
segmentation with a permutation test, as in Matteson and James, Journal of the American Statistical Association 2014,
whose divergence is here Student's t).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05  # the chance of any false alarm in all series together
PERMUTATIONS = 4_999
SHORTEST = 2  # points on each side of a split


@dataclass(frozen=True)
class Change:
    """A change of the mean: `at` is the index of the first value after it; `p` is its permutation p-value."""

    at: int
    before: float
    after: float
    p: float


def change_points(values: Sequence[float], allowed: Sequence[int] | None = None, *, among: int = 1) -> list[Change]:
    """The changes of a series in order; in a series without any, one is found with a chance of `ALPHA / among` at most.

    `allowed` are the indices at which a new part may begin (all, if left out), and `among` the number of series that
    are examined together (Bonferroni). The permutations are the same at each call.
    """
    found: list[Change] = []
    numbers = np.asarray(values, dtype=float)
    splits = np.asarray(sorted({*range(len(numbers))} if allowed is None else {*allowed}), dtype=int)
    _search(numbers, splits, 0, ALPHA / among, found)
    ordered = sorted(found, key=lambda one: one.at)
    edges = [0, *(one.at for one in ordered), len(numbers)]
    means = [float(numbers[low:high].mean()) for low, high in pairwise(edges) if high > low]
    return [Change(one.at, means[i], means[i + 1], one.p) for i, one in enumerate(ordered)]


def statistics(rows: NDArray[np.float64], splits: NDArray[np.int_]) -> NDArray[np.float64]:
    """|t| of each row of values (r, n) at each split (s): (r, s). Infinite where both sides are constant and differ."""
    n = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    sums, squares = np.cumsum(centred, axis=1), np.sum(centred**2, axis=1, keepdims=True)
    left = splits[np.newaxis, :]
    between = sums[:, splits - 1] ** 2 * n / (left * (n - left))
    within = squares - between
    tiny = 1e-12 * squares  # what rounding leaves of a sum of squares that is zero
    within = np.where(within <= tiny, 0.0, within)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.sqrt(between * (n - 2) / within)
    return np.where(between <= tiny, 0.0, found)


def _search(
    values: NDArray[np.float64], splits: NDArray[np.int_], start: int, alpha: float, found: list[Change]
) -> None:
    """Add the changes of a part, which begins at index `start` of the series, in no order."""
    n = len(values)
    usable = splits[(splits >= SHORTEST) & (splits <= n - SHORTEST)]
    if not len(usable):
        return
    [shown] = statistics(values[np.newaxis], usable)
    at, largest = int(usable[shown.argmax()]), shown.max()
    order = np.random.default_rng(0).permuted(np.tile(np.arange(n), (PERMUTATIONS, 1)), axis=1)
    chance = statistics(values[order], usable).max(axis=1)
    p = float((1 + np.sum(chance >= largest * (1 - 1e-9))) / (1 + PERMUTATIONS))
    if p > alpha or largest == 0:
        return
    found.append(Change(start + at, 0.0, 0.0, p))
    _search(values[:at], splits[splits < at], start, alpha, found)
    _search(values[at:], splits[splits > at] - at, start + at, alpha, found)
