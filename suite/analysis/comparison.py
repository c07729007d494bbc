"""Pairwise comparisons of recipes, on the same test images and under the same seeds, with a verdict in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suite.analysis.intervals import FEWEST, LEVEL
from suite.analysis.paired import Difference, beats, difference
from suite.analysis.power import POWER, detectable, seeds_needed
from suite.analysis.significance import McNemar, holm, mcnemar, votes
from suite.analysis.words import bound, points, unseen

MOST_SEEDS = 1_000  # nobody trains more seeds than that, so we recommend something else

Verdict = Literal["better", "worse", "equivalent", "bounded", "undecided"]


@dataclass(frozen=True, eq=False)
class Answers:
    """The predictions of a recipe's runs: classes and scores float32 (seeds n, images m), labels (m,)."""

    title: str
    seeds: tuple[int, ...]
    predicted: NDArray[np.integer]
    confidence: NDArray[np.float32]
    labels: NDArray[np.integer]

    def under(self, seeds: Sequence[int]) -> "Answers":
        """The predictions of the given seeds only, in the given order."""
        if tuple(seeds) == self.seeds:  # nothing is copied: there is a copy for each pair of a large family
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        return Answers(self.title, tuple(seeds), self.predicted[rows], self.confidence[rows], self.labels)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which images each seed classifies correctly: bool (n, m)."""
        return np.asarray(self.predicted == self.labels)


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two recipes; all differences are accuracy of `one` minus accuracy of `other`.

    `p` and the verdict (at `level`) are corrected for all pairs that were compared together. `voted` compares the
    majority votes of the seeds, image by image. `wins` is the probability that `one` is better under a new seed.
    `visible` is the smallest true difference that is detected with a power of `POWER`. `needed` is the total number of
    seeds that would detect a difference as large as the observed one; None if no number of seeds does.
    `ruled_out` is the largest difference, in either direction, that is not ruled out: the farther end of the interval.
    `visible`, `needed` and `ruled_out` are computed at Bonferroni's level. Holm's level is never stricter, so they hold
    whatever the p-values of the other pairs are.

    With a `margin` (0 to 1), `p_equivalent` tests whether the difference is `margin` or more, by two one-sided tests;
    it is corrected like `p`, in a family of its own.
    """

    one: str
    other: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, float]
    found: Difference
    p: float
    voted: McNemar
    voted_p: float
    wins: float
    visible: float
    ruled_out: float
    needed: int | None
    level: float = LEVEL
    margin: float | None = None
    p_equivalent: float | None = None

    @property
    def shown(self) -> bool:
        """Whether a difference is shown, however small."""
        return self.p < 1 - self.level

    @property
    def verdict(self) -> Verdict:
        """What the comparison has shown.

        `equivalent`: the difference is smaller than `margin`. `better` or `worse`: there is a difference. Else none is
        shown: `bounded` if every difference is ruled out that such a comparison detects in four of five cases,
        `undecided` if not. A difference that is shown and is smaller than `margin` is `equivalent`.
        """
        if self.p_equivalent is not None and self.p_equivalent < 1 - self.level:
            return "equivalent"
        if self.shown:
            return "better" if self.found.mean > 0 else "worse"
        return "bounded" if self.ruled_out <= self.visible and self.ruled_out < 1 else "undecided"

    @property
    def decided(self) -> bool:
        """Whether the question is answered, so that no more seeds are needed."""
        return self.verdict in ("better", "worse", "equivalent")

    @property
    def words(self) -> str:
        """The verdict as a sentence, in percentage points of accuracy."""
        size = f"{points(self.found)}, {len(self.seeds)} seeds"
        both = f"{self.one} and {self.other}"
        match self.verdict:
            case "equivalent":
                margin, p = f"{100 * (self.margin or 0):.2f} points", self.p_equivalent or 0
                less = f" {self.one} is shown to be {self._direction}, but by less than that." if self.shown else ""
                return f"{both} are equivalent, {margin} or more are ruled out: {size}, p {p_words(p)}.{less}"
            case "better" | "worse":
                beside = self._beside_margin()
                return f"{self.one} is {self.verdict} than {self.other}: {size}, p {p_words(self.p)}.{beside}"
        if self.found.se == 0:  # without any spread, the power of the comparison cannot be computed
            return f"{both}: no difference shown: the same images right under each of {len(self.seeds)} seeds."
        if self.verdict == "bounded":
            shown = f"no difference shown, and {bound(self.ruled_out)}"
            return f"{both}: {shown}: {size}, p {p_words(self.p)}. {self._remedy()}"
        seen = f"{unseen(self.visible)}; {bound(self.ruled_out)}"
        return f"{both}: undecided ({seen}): {size}, p {p_words(self.p)}. {self._remedy()}"

    @property
    def _direction(self) -> str:
        return "better" if self.found.mean > 0 else "worse"

    def _beside_margin(self) -> str:
        """Whether a difference that is shown is as large as the margin; empty without one."""
        if self.margin is None:
            return ""
        low, high = self.found.interval.low, self.found.interval.high
        least = low if low > 0 else -high
        by = f"{100 * self.margin:.2f} points"
        return f" By {by} or more." if least >= self.margin else f" Whether by {by} or more is open."

    def facts(self) -> dict[str, Any]:
        """The result as plain values, ready for JSON."""
        return {
            "one": self.one, "other": self.other, "seeds": list(self.seeds), "verdict": self.verdict,
            "words": self.words, "accuracies": list(self.accuracies), "difference": self.found.facts(), "p": self.p,
            "mcnemar": {"only_one": self.voted.only_one, "only_other": self.voted.only_other, "p": self.voted_p},
            "wins": self.wins, "could_have_seen": self.visible, "ruled_out": self.ruled_out,
            "seeds_needed": self.needed, "margin": self.margin, "p_equivalent": self.p_equivalent,
        }  # fmt: skip

    def _remedy(self) -> str:
        if self.found.mean == 0:
            return "They have equally many images right."
        if self.needed is None:
            return f"Not even {MOST_SEEDS:,} seeds would settle one as small as this; more test images might."
        more = self.needed - len(self.seeds)
        if more <= 0:
            return "A difference as large as this is seen in four of five comparisons like it."
        seeds = "seed" if more == 1 else "seeds"
        return f"If it is as large as it seems, {more} more {seeds} would settle it in four of five cases."


def common_seeds(answers: Sequence[Answers]) -> tuple[int, ...]:
    """The seeds that all recipes have in common, in ascending order."""
    return tuple(sorted(set.intersection(*(set(one.seeds) for one in answers))))


def pairs_of(answers: Sequence[Answers], *, with_first: bool = False) -> list[tuple[Answers, Answers]]:
    """All pairs, or with `with_first` only the pairs of the first with each other one."""
    return [(each, answers[0]) for each in answers[1:]] if with_first else list(combinations(answers, 2))


def compare(
    answers: Sequence[Answers], level: float = LEVEL, *, with_first: bool = False, margin: float | None = None
) -> list[Comparison]:
    """Compare all pairs of `answers`, each pair under its common seeds; p-values are corrected by Holm's method.

    With a `margin`, a share between 0 and 1, it is also tested whether the two differ by less than that.

    With `with_first`, each of the others is compared with the first one only. Pairs with fewer than `FEWEST` common
    seeds are left out. Raises `ValueError` if the answers do not have the same test labels.
    """
    if any(not np.array_equal(one.labels, answers[0].labels) for one in answers):
        raise ValueError("the answers are about different test images")
    pairs = [
        (one.under(seeds), other.under(seeds))
        for one, other in pairs_of(answers, with_first=with_first)
        for seeds in [common_seeds((one, other))]
        if len(seeds) >= FEWEST
    ]
    found = [difference(one.right, other.right, level) for one, other in pairs]
    voted = [mcnemar(_voted(one), _voted(other)) for one, other in pairs]
    strictest = [replace(each, level=1 - (1 - level) / len(pairs)) for each in found]
    ps, voted_ps = holm([each.p for each in found]), holm([each.p for each in voted])
    equivalent = [None] * len(found) if margin is None else holm([each.p_within(margin) for each in found])
    return [
        Comparison(
            one=one.title,
            other=other.title,
            seeds=one.seeds,
            accuracies=(float(one.right.mean()), float(other.right.mean())),
            found=between,
            p=p,
            voted=split,
            voted_p=voted_p,
            wins=beats(one.right, other.right),
            visible=detectable(strict, POWER),
            ruled_out=max(abs(strict.interval.low), abs(strict.interval.high)),
            needed=seeds_needed(strict, POWER, MOST_SEEDS),
            level=level,
            margin=margin,
            p_equivalent=within,
        )
        for (one, other), between, strict, p, split, voted_p, within in zip(
            pairs, found, strictest, ps, voted, voted_ps, equivalent, strict=True
        )
    ]


def _voted(answers: Answers) -> NDArray[np.bool_]:
    return np.asarray(votes(answers.predicted, answers.confidence) == answers.labels)


def p_words(value: float) -> str:
    """A p-value as a sentence has it."""
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
