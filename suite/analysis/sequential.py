"""When to look at a comparison that goes on until it is decided, and how sure each look must be.

Whoever looks again and again at 5 % finds a difference between equal recipes far more often than in 5 % of all cases.
So the 5 % are spent: each look gets a share of them, as large as its share of the seeds (Lan and DeMets 1983, with the
linear spending function). The shares add up to 5 %, and the chance that any look is wrong is at most their sum: that
holds for any dependence between the looks, where the tighter boundaries of Lan and DeMets assume a known variance,
which three or five seeds do not give. Equal shares would spend most on the first looks, whose t needs the most for it.
"""

from collections.abc import Sequence

from suite.analysis.intervals import FEWEST, LEVEL


def looks(start: int, limit: int) -> list[int]:
    """The total numbers of seeds to look at, from `start` on, each about half as large again, and `limit` the last.

    They must be fixed before the first look. Raises `ValueError` where start is below `FEWEST` or above the limit.
    """
    if not FEWEST <= start <= limit:
        raise ValueError(f"expected {FEWEST} <= start <= limit, got {start} and {limit}")
    found = [start]
    while (following := found[-1] + (found[-1] + 1) // 2) < limit:
        found.append(following)
    return found if start == limit else [*found, limit]


def level_at(planned: Sequence[int], k: int, level: float = LEVEL) -> float:
    """The level of the k-th look, from 0, at the seed numbers `planned`: its intervals hold together at `level`."""
    before = planned[k - 1] if k else 0
    return 1 - (1 - level) * (planned[k] - before) / planned[-1]
