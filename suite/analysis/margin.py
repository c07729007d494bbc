"""An accuracy gate: whether fresh runs are as good as a reference, by statistical tests and not by one number.

PASS: a drop of `margin` or more is ruled out, even if a smaller drop is shown; the margin exists to allow that.
FAIL, for one of three reasons: a drop is shown, and a drop of `margin` is not ruled out; or one run is worse than the
reference's distribution explains; or a rise of more than `margin` is shown, because such a rise means that the training
differs from the reference's. INCONCLUSIVE: none of these; more seeds are needed.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite.analysis.intervals import FEWEST, Interval, SeedGroup, group

# A hundred runs of the gate without any change should give at most five false alarms. At 5 % they give more in
# four of ten cases; at 1 % in none of a thousand.
ALPHA = 0.01

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Judged:
    """The verdict, and the drop of the mean accuracy (0 to 1) with its interval.

    The true drop lies above the interval with a probability of at most `alpha`, and below it with at most `alpha`
    divided by `among`, the number of experiments in the check. `p` tests the hypothesis that nothing has changed.
    `lost` is the accuracy of the worst fresh run if it is too low for the reference's distribution, else None.
    """

    verdict: Verdict
    drop: float
    interval: Interval
    p: float
    n: int
    reference_n: int
    margin: float
    alpha: float
    lost: float | None = None
    among: int = 1

    @property
    def words(self) -> str:
        """The result as one line for the user."""
        if math.isnan(self.drop):
            return f"FAIL: of {self.n} fresh runs some have no accuracy."
        seeds = f"{self.n} fresh seeds against {self.reference_n}, p {self.p:.2g}"
        low, high = f"{self.interval.low:+.4f}", f"{self.interval.high:+.4f}"
        if self.lost is not None:
            reason = f"a run has {self.lost:.4f}, which the reference's runs do not have"
        elif self.verdict == "FAIL" and self.drop < 0:
            reason = f"accuracy rose by more than {self.margin:.4f}: another protocol, or images it must not see"
        else:
            reason = {
                "PASS": f"a drop of {self.margin:.4f} is ruled out",
                "FAIL": "accuracy dropped",
                "INCONCLUSIVE": f"a drop of {self.margin:.4f} is neither shown nor ruled out; more seeds would tell",
            }[self.verdict]
        return f"{self.verdict}: {reason}. The drop is {self.drop:+.4f} ({low} to {high}; {seeds})."


def judge(
    fresh: Sequence[float], reference: Sequence[float], *, margin: float, alpha: float = ALPHA, among: int = 1
) -> Judged:
    """Compare the accuracies of fresh runs with those of a reference; a diverged run has the accuracy nan.

    The lower end of the drop's interval is Student's, with pooled variance. It tests whether the fresh runs come from
    the reference's distribution; under that hypothesis both have the same variance and the test is exact. It needs
    only one fresh run, and fewer runs than Welch's to show a drop. The upper end is Welch's, because broken runs may
    have another variance; one fresh run has no upper end. A rise is shown if Student's upper end is below -`margin`.

    A fault that appears under only some seeds raises the variance so much that the mean cannot show it. So the worst
    fresh run is also tested alone. It fails if it is more than `margin` below the reference's mean and below Student's
    prediction interval (Hahn and Meeker, Statistical Intervals, 1991, section 4.8; Bonferroni over the runs).

    `alpha` limits the false alarms of each test, and the probability that a drop of `margin` passes. When you look
    several times, give each look its share: `1 - level_at(planned, k, 1 - ALPHA)`. A check of several experiments gives
    their number as `among`: they share the false alarms (Bonferroni). That a drop passes needs no such correction: the
    whole check passes only if each experiment does (an intersection-union test, Berger 1982). Raises `ValueError` if
    the reference has fewer than `FEWEST` runs or a diverged one, or if there is no fresh run.
    """
    old, new = group(reference), group(fresh)
    if old.n < FEWEST or not all(map(math.isfinite, old.values)) or not new.n:
        raise ValueError(f"needs {FEWEST} finished reference runs and 1 fresh run at least, got {old.n} and {new.n}")
    if not all(map(math.isfinite, new.values)):
        return Judged("FAIL", math.nan, Interval(math.nan, math.nan), 0.0, new.n, old.n, margin, alpha, among=among)
    drop = old.mean - new.mean
    low, high, p = _ends(new, old, alpha / among, alpha)
    most = 2 * drop - low  # Student's interval is symmetric
    rose = most < -abs(margin)
    verdict: Verdict = "FAIL" if rose else "PASS" if high < margin else "FAIL" if low > 0 else "INCONCLUSIVE"
    found = Judged(verdict, drop, Interval(low, most if rose else high), p, new.n, old.n, margin, alpha, among=among)
    broke = verdict != "FAIL" and new.worst < min(old.mean - abs(margin), _lowest(new.n, old, alpha / among))
    return replace(found, verdict="FAIL", lost=new.worst) if broke else found


def _ends(new: SeedGroup, old: SeedGroup, below: float, above: float) -> tuple[float, float, float]:
    """Student's lower end of a drop, Welch's upper end, and the p-value of no drop by Student's test.

    The true drop lies `below` and `above` with these probabilities.
    """
    from scipy.stats import ttest_ind

    drop = old.mean - new.mean
    if not new.sd and not old.sd:
        return drop, math.inf if new.sd is None else drop, float(drop <= 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of one group that has no spread, and of a lone fresh run
        student = ttest_ind(old.values, new.values, alternative="greater")
        welch = ttest_ind(old.values, new.values, alternative="less", equal_var=False)
        low, high = student.confidence_interval(1 - below).low, welch.confidence_interval(1 - above).high
    return float(low), math.inf if new.sd is None else float(high), float(student.pvalue)


def _lowest(n: int, old: SeedGroup, alpha: float) -> float:
    """The limit below which the worst of `n` further reference runs falls with a probability of at most `alpha`."""
    from scipy.special import stdtrit

    return old.mean + float(stdtrit(old.n - 1, alpha / n)) * (old.sd or 0) * math.sqrt(1 + 1 / old.n)
