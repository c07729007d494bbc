"""Two experiments, each tuned by several independent studies: the difference for another study, seed and test image.

Tuning is a source of noise itself (X. Bouthillier and others, Accounting for variance in machine learning benchmarks,
MLSys 2021): another study of the same space finds other values. So the random unit is a study with its winner and the
seeds under which that is trained: g[k, s, i] is the gain in study k, seed s of that study, image i. The mean over the
seeds of a study is one value for each image, and the values of k studies are compared as those of k seeds are
(`suite.analysis.paired`), with k - 1 degrees of freedom. The spread between them includes that of the seeds.

One study says nothing about other studies: then the unit is the seed, and the result holds for these tunings alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suite.analysis.comparison import p_words
from suite.analysis.components import Component, components
from suite.analysis.components import words as noise_words
from suite.analysis.intervals import LEVEL
from suite.analysis.paired import Difference, Right, of_gains
from suite.analysis.power import POWER, detectable
from suite.analysis.significance import holm
from suite.analysis.words import bound, points, unseen

Verdict = Literal["better", "worse", "bounded", "undecided"]


@dataclass(frozen=True, eq=False)
class Side:
    """A tuned experiment: what its winners have right, bool (studies, seeds, images), and the published recipe.

    `published` has the same shape: the recipe as it is, under the same seeds.
    """

    title: str
    right: NDArray[np.bool_]
    published: NDArray[np.bool_]


@dataclass(frozen=True)
class TunedComparison:
    """The result of comparing two tuned experiments; differences are accuracy of `one` minus that of `other`.

    `noise` says where that of `found` comes from. `untuned` is the difference of the published recipes. `p` is
    corrected for all pairs; `wins` is the probability that `one` is better in another study, under another seed.
    `visible` is the smallest true difference that such a comparison detects in four of five cases.
    """

    one: str
    other: str
    studies: int
    seeds: int
    accuracies: tuple[float, float]
    found: Difference
    noise: list[Component]
    untuned: Difference
    p: float
    wins: float
    visible: float
    ruled_out: float
    level: float = LEVEL

    @property
    def verdict(self) -> Verdict:
        """`better` or `worse` if a difference is shown; else `bounded` or `undecided`, as for untuned recipes."""
        if self.p < 1 - self.level:
            return "better" if self.found.mean > 0 else "worse"
        return "bounded" if self.ruled_out <= self.visible and self.ruled_out < 1 else "undecided"

    @property
    def words(self) -> str:
        """The verdict as a sentence, in percentage points of accuracy."""
        size = f"{points(self.found)}, p {p_words(self.p)}"
        wins = f"it is better in {self.wins:.0%} of cases, with another study and another seed"
        images = f"{self.found.images:,} images"
        given = f"crossed over {self.studies} studies of each with {self.seeds} seeds, and {images}"
        if self.studies == 1:
            given, wins = (
                f"given these tunings, crossed over {self.seeds} seeds and {images}",
                f"it is better under {self.wins:.0%} of seeds",
            )
        match self.verdict:
            case "better" | "worse":
                end = f"{self.one}, tuned, is {self.verdict} than {self.other}, tuned: {size}, {given}"
            case "bounded":
                what = f"no difference shown, and {bound(self.ruled_out)}"
                end = f"{self.one} and {self.other}, both tuned: {what}: {size}, {given}"
            case "undecided":
                what = f"undecided ({unseen(self.visible)}; {bound(self.ruled_out)})"
                end = f"{self.one} and {self.other}, both tuned: {what}: {size}, {given}"
        return f"{end}; {wins}. Noise: {noise_words(self.noise)}. As published: {points(self.untuned)}."

    def facts(self) -> dict[str, Any]:
        """The result as plain values, ready for JSON."""
        return {
            "one": self.one, "other": self.other, "verdict": self.verdict, "words": self.words,
            "studies": self.studies, "seeds": self.seeds, "accuracies": list(self.accuracies),
            "difference": self.found.facts(), "as_published": self.untuned.facts(), "p": self.p, "wins": self.wins,
            "could_have_seen": self.visible, "ruled_out": self.ruled_out,
        }  # fmt: skip


def compare(sides: Sequence[Side], level: float = LEVEL) -> list[TunedComparison]:
    """Compare all pairs; the p-values are corrected by Holm's method, the bounds by Bonferroni's."""
    pairs = list(combinations(sides, 2))
    strictest = 1 - (1 - level) / len(pairs)
    found = [gain(one.right, other.right, level) for one, other in pairs]
    bounds = [gain(one.right, other.right, strictest) for one, other in pairs]
    studies, seeds, _ = sides[0].right.shape
    return [
        TunedComparison(
            one=one.title,
            other=other.title,
            studies=studies,
            seeds=seeds,
            accuracies=(float(one.right.mean()), float(other.right.mean())),
            found=between,
            noise=components(_gains(one.right, other.right)),
            untuned=of_gains(_gains(*(side.published.reshape(studies * seeds, -1) for side in (one, other))), level),
            p=p,
            wins=beats(one.right, other.right),
            visible=detectable(strict, POWER),
            ruled_out=max(abs(strict.interval.low), abs(strict.interval.high)),
            level=level,
        )
        for (one, other), between, strict, p in zip(pairs, found, bounds, holm([each.p for each in found]), strict=True)
    ]


def gain(one: Right, other: Right, level: float = LEVEL) -> Difference:
    """The difference of what two sides have right, bool (studies, seeds, images) each, for another study and image.

    Of a single study it is that for another seed and image.
    """
    gains = _gains(one, other)
    return of_gains(gains[0] if len(gains) == 1 else gains.mean(axis=1), level)


def beats(one: Right, other: Right) -> float:
    """The probability that `one` is better in another study under another seed, on the same test images.

    The predictive distribution of a new difference, Student's t with k - 1 degrees of freedom (Gelman et al., Bayesian
    Data Analysis, 2013, section 3.2). Its variance is that of a new study's mean, S² (1 + 1/k), and what one seed adds
    to the mean of n, s² (1 - 1/n), with s² the mean variance between the seeds of a study.
    """
    from scipy.special import stdtr

    by_seed = _gains(one, other).mean(axis=2)
    k, n = by_seed.shape
    if k == 1:
        mean, units, variance = float(by_seed.mean()), n, float(by_seed.var(ddof=1)) * (1 + 1 / n)
    else:
        means, within = by_seed.mean(axis=1), float(by_seed.var(axis=1, ddof=1).mean()) if n > 1 else 0.0
        mean, units = float(means.mean()), k
        variance = float(means.var(ddof=1)) * (1 + 1 / k) + within * (1 - 1 / n)
    return float(stdtr(units - 1, mean / math.sqrt(variance))) if variance else 0.5 + 0.5 * float(np.sign(mean))


def _gains(one: Right, other: Right) -> NDArray[np.int8]:
    return one.astype(np.int8) - other.astype(np.int8)
