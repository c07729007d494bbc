"""An accuracy gate: whether fresh runs are as good as a reference, decided by distributions and not by one number.

PASS: a drop of `margin` or more is ruled out. FAIL: a drop is shown, and one of the margin is not ruled out; or one run
is worse than any that the reference makes; or a rise beyond the margin is shown, for then what trains is not what the
reference was made by. INCONCLUSIVE: none of these, and more seeds would tell. A drop that is shown to be smaller than
the margin passes: that is what the margin is for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite.analysis.intervals import FEWEST, Interval, SeedGroup, group

# At 5 % a hundred honest runs of the gate raise more than five false alarms in four of ten cases; at 1 % in none of
# a thousand.
ALPHA = 0.01

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Judged:
    """The verdict, the drop of the mean accuracy as a share of 1, and what it may be: from `low` to `high`.

    Each end is exceeded in `alpha` of all cases at most. `p` is that of the drop where nothing has changed. `lost` is
    the worst fresh run's accuracy where no run of the reference's distribution has that.
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

    @property
    def words(self) -> str:
        """As a user reads it."""
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


def judge(fresh: Sequence[float], reference: Sequence[float], *, margin: float, alpha: float = ALPHA) -> Judged:
    """Compare the accuracies of fresh runs with those of the reference, nan for a run that diverged.

    The lower end is Student's, with pooled variance: the question it answers is whether the fresh runs are draws of
    the reference's own distribution, and then both have one variance. It is exact there, needs one fresh run only,
    and shows a drop with fewer of them than Welch's. The upper end is Welch's: a broken run may spread in its own way,
    and one fresh run rules out nothing. A rise beyond the margin is shown where Student's upper end lies there.

    What breaks down under some seeds alone spreads so far that no mean shows it. So the worst fresh run is looked at by
    itself: more than `margin` below the reference's mean, and outside Student's prediction interval of that many runs
    of it (Hahn and Meeker, Statistical Intervals, 1991, section 4.8; Bonferroni over the runs).

    `alpha` bounds the false alarms of each of these, and as well the drops of `margin` that pass. With several looks
    give each its share: `1 - level_at(planned, k, 1 - ALPHA)`. Raises `ValueError` where the reference has fewer than
    `FEWEST` runs, or one that diverged, or where there is no fresh run.
    """
    old, new = group(reference), group(fresh)
    if old.n < FEWEST or not all(map(math.isfinite, old.values)) or not new.n:
        raise ValueError(f"a reference of {FEWEST} finished runs and a fresh run at least, got {old.n} and {new.n}")
    if not all(map(math.isfinite, new.values)):
        return Judged("FAIL", math.nan, Interval(math.nan, math.nan), 0.0, new.n, old.n, margin, alpha)
    drop = old.mean - new.mean
    low, p = _student(drop, new, old, alpha)
    high = _welch(drop, new, old, alpha)
    most = 2 * drop - low  # Student's interval is symmetric
    rose = most < -abs(margin)
    verdict: Verdict = "FAIL" if rose else "PASS" if high < margin else "FAIL" if low > 0 else "INCONCLUSIVE"
    found = Judged(verdict, drop, Interval(low, most if rose else high), p, new.n, old.n, margin, alpha)
    broke = verdict != "FAIL" and new.worst < min(old.mean - abs(margin), _lowest(new.n, old, alpha))
    return replace(found, verdict="FAIL", lost=new.worst) if broke else found


def _student(drop: float, new: SeedGroup, old: SeedGroup, alpha: float) -> tuple[float, float]:
    """The lower end and p of a drop, where both are draws of one distribution."""
    from scipy.special import stdtr, stdtrit

    freedom = new.n + old.n - 2
    square = sum((one.n - 1) * (one.sd or 0) ** 2 for one in (new, old)) / freedom
    se = math.sqrt(square * (1 / new.n + 1 / old.n))
    p = float(stdtr(freedom, -drop / se)) if se else float(drop <= 0)
    return drop + float(stdtrit(freedom, alpha)) * se, p


def _lowest(n: int, old: SeedGroup, alpha: float) -> float:
    """What the worst of `n` more runs of the reference's distribution falls below in `alpha` of all cases at most."""
    from scipy.special import stdtrit

    return old.mean + float(stdtrit(old.n - 1, alpha / n)) * (old.sd or 0) * math.sqrt(1 + 1 / old.n)


def _welch(drop: float, new: SeedGroup, old: SeedGroup, alpha: float) -> float:
    """The upper end of a drop, where each may have a variance of its own (Welch 1947)."""
    from scipy.special import stdtrit

    if new.sd is None or old.sd is None:
        return math.inf
    squares = [one.sd**2 / one.n for one in (new, old) if one.sd is not None]
    if not sum(squares):
        return drop
    freedom = sum(squares) ** 2 / sum(square**2 / (one.n - 1) for square, one in zip(squares, (new, old), strict=True))
    return drop - float(stdtrit(freedom, alpha)) * math.sqrt(sum(squares))
