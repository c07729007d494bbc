"""Which recipe is the best of several, and which cannot be told from it."""

from collections.abc import Sequence

from suite.analysis.comparison import Comparison


def beside_best(found: Sequence[Comparison]) -> dict[str, str]:
    """For each recipe of these comparisons `the best`, `not told from it`, or `worse`, by name.

    The best is the one with the highest mean accuracy. The p-values of all pairs are corrected together, so that it may
    be chosen after looking: the chance that any is called worse by mistake is at most 1 - level. A recipe that was not
    compared with the best is left out.
    """
    means = {name: mean for one in found for name, mean in zip((one.one, one.other), one.accuracies, strict=True)}
    if not means:
        return {}
    best = max(means, key=lambda name: means[name])
    marks = {best: "the best"}
    for one in found:
        if best in (one.one, one.other):
            other = one.other if one.one == best else one.one
            marks[other] = "worse" if one.shown else "not told from it"
    return marks
