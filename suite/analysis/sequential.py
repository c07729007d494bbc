"""Sequential testing: when to look at a comparison that goes on until it is decided, and at which level each time.

If every look tests at 5 %, equal recipes are called different in far more than 5 % of cases. So the looks share the
5 %: each one gets a share equal to its share of the seeds (the linear spending function of Lan and DeMets 1983). The
shares add up to 5 %, and the probability that any look is wrong is at most their sum, whatever the dependence between
looks. The tighter boundaries of Lan and DeMets assume a known variance, and three or five seeds do not give that.
Equal shares would spend more on the first looks, where Student's t is widest and a share gains least.
"""

from collections.abc import Sequence

from suite.analysis.intervals import FEWEST, LEVEL


def looks(start: int, limit: int) -> list[int]:
    """The numbers of seeds after which to look: from `start`, each about 1.5 times the one before, up to `limit`.

    Fix them before the first look. Raises `ValueError` if `start` is below `FEWEST` or above `limit`.
    """
    if not FEWEST <= start <= limit:
        raise ValueError(f"expected {FEWEST} <= start <= limit, got {start} and {limit}")
    found = [start]
    while (following := found[-1] + (found[-1] + 1) // 2) < limit:
        found.append(following)
    return found if start == limit else [*found, limit]


def level_at(planned: Sequence[int], k: int, level: float = LEVEL) -> float:
    """The confidence level of look k, counted from 0, so that the intervals of all `planned` looks hold at `level`."""
    before = planned[k - 1] if k else 0
    return 1 - (1 - level) * (planned[k] - before) / planned[-1]
