"""The looks at the data, the error that each may spend, and that all together are wrong in at most 5 %."""

import numpy as np
import pytest

from suite.analysis.paired import difference
from suite.analysis.sequential import level_at, looks
from tests.analysis.simulated import World


def decided_at(answers, planned):
    """The number of seeds at which the rule stops with a difference; None if it never stops."""
    for k, n in enumerate(planned):
        found = difference(*answers[:, :n], level=level_at(planned, k))
        if found.interval.low > 0 or found.interval.high < 0:
            return n
    return None


def naive(answers, planned):
    intervals = [difference(*answers[:, :n]).interval for n in planned]
    return any(one.low > 0 or one.high < 0 for one in intervals)


def test_the_looks_grow_by_half_up_to_the_limit():
    assert looks(3, 40) == [3, 5, 8, 12, 18, 27, 40]
    assert looks(5, 12) == [5, 8, 12]
    assert looks(5, 6) == [5, 6]
    assert looks(7, 7) == [7]


@pytest.mark.parametrize(("start", "limit"), [(2, 10), (10, 9), (0, 0)])
def test_what_is_no_plan_is_refused(start, limit):
    with pytest.raises(ValueError, match="start"):
        looks(start, limit)


@pytest.mark.parametrize("start", [3, 5, 9])
@pytest.mark.parametrize("limit", [9, 20, 100])
def test_the_shares_of_the_looks_add_up_to_what_may_be_spent(start, limit):
    planned = looks(start, limit)
    shares = [1 - level_at(planned, k) for k in range(len(planned))]

    assert sum(shares) == pytest.approx(0.05)
    assert min(shares) > 0
    assert sum(1 - level_at(planned, k, 0.99) for k in range(len(planned))) == pytest.approx(0.01)


def test_a_single_look_spends_everything():
    assert level_at([10], 0) == pytest.approx(0.95)


@pytest.mark.promise
@pytest.mark.studies
def test_of_1_000_equal_pairs_5_percent_at_most_are_decided_however_often_one_looks(figure, draws):
    draw, plans, count = np.random.default_rng(24), (looks(3, 27), looks(5, 18)), draws(1_000)
    pairs = list(World(0.01).comparisons(draw, count, 27, m=500))
    for planned in plans:
        wrong = np.mean([decided_at(answers, planned) is not None for answers in pairs])
        peeking = np.mean([naive(answers, planned) for answers in pairs])
        figure(
            f"A/A, looks at {planned}: {wrong:.1%} of {count:,} decided, {peeking:.1%} if each look took the full 5 %"
        )

        assert wrong <= 0.05 < peeking


@pytest.mark.studies
def test_a_true_difference_is_decided_and_mostly_before_the_limit(figure):
    planned, draw = looks(3, 27), np.random.default_rng(24)
    ends = [decided_at(answers, planned) for answers in World(0.005, 0.02).comparisons(draw, 300, planned[-1])]
    decided = [end for end in ends if end]
    share, usual = len(decided) / len(ends), np.median(decided)
    figure(f"true difference 0.02, looks at {planned}: {share:.0%} decided, with {usual:.0f} seeds in the median")

    assert share >= 0.95
    assert usual <= 12
