"""Change points: the statistic is Student's, a planted change is found, and honest series raise few alarms."""

import numpy as np
import pytest
from scipy import stats

from suite.analysis.changes import ALPHA, change_points, statistics

FULL = (pytest.mark.promise, pytest.mark.full)


@pytest.mark.slow
def test_the_statistic_is_students_t_of_a_split():
    rng = np.random.default_rng(1)
    for _ in range(1_000):
        values = rng.normal(rng.normal() * 100, rng.exponential(), size=rng.integers(4, 40))
        at = int(rng.integers(2, len(values) - 1))
        found = float(statistics(values[np.newaxis], np.array([at]))[0, 0])

        expected = abs(stats.ttest_ind(values[:at], values[at:]).statistic)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_the_p_value_is_that_of_all_permutations():
    """Of three values that stand out last among twelve, chance puts equals at one of the two ends: 2 of 220."""
    values = [0.4, 0.1, 0.8, 0.3, 0.5, 0.0, 0.6, 0.7, 0.2, 50.0, 50.1, 50.2]

    [found] = change_points(values)

    assert found.at == 9
    assert found.p == pytest.approx(2 / 220, abs=0.005)
    assert (found.before, found.after) == pytest.approx((0.4, 50.1))


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, pytest.param(2_000, marks=FULL)])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "few values"])
def test_honest_series_raise_at_most_the_allowed_alarms(kind, n, figure):
    rng = np.random.default_rng(3)
    draw = {"normal": rng.normal, "heavy tails": lambda size: rng.standard_t(2, size=size),
            "few values": lambda size: rng.integers(0, 3, size=size).astype(float)}[kind]  # fmt: skip
    alarms = sum(bool(change_points(draw(size=15))) for _ in range(n))
    figure(f"history of 15 values without a change, {kind}: {alarms} of {n} raise an alarm")

    assert stats.binomtest(alarms, n, ALPHA, alternative="greater").pvalue > 0.01, alarms


@pytest.mark.parametrize("n", [20, pytest.param(300, marks=FULL)])
@pytest.mark.parametrize("commits", [10, 12, 16, 24])
def test_a_shift_three_commits_back_is_found_and_mostly_named_exactly(commits, n, figure):
    rng = np.random.default_rng(5)
    found = [change_points([*rng.normal(0, 1, commits - 3), *rng.normal(5, 1, 3)]) for _ in range(n)]
    exact = sum([one.at for one in some] == [commits - 3] for some in found)
    figure(f"a shift by 5 SD three commits back, {commits} commits: found in {sum(map(bool, found))} of {n} histories, "
           f"named exactly, as the only change, in {exact}")  # fmt: skip

    assert sum(map(bool, found)) >= 0.9 * n
    assert exact >= 0.8 * n


def test_two_changes_are_both_found_in_order():
    rng = np.random.default_rng(4)
    found = change_points([*rng.normal(0, 1, 15), *rng.normal(9, 1, 15), *rng.normal(4, 1, 15)])

    assert [one.at for one in found] == [15, 30]
    assert found[0].after == found[1].before


def test_a_change_is_only_looked_for_where_one_may_begin():
    values = [0, 0.1, 0.2, 0.1, 0.15, 0.05, 9, 9.1, 9.2, 9.1, 9.15, 9.05]

    assert [one.at for one in change_points(values, allowed=[3, 5, 8])] == [5]
    assert change_points(values, allowed=[]) == []


def test_equal_values_are_no_change_and_more_series_ask_for_more():
    assert change_points([0.1 + 0.2] * 20) == []
    values = [0.4, 0.1, 0.8, 0.3, 0.5, 0.0, 0.6, 0.7, 0.2, 50.0, 50.1, 50.2]
    assert change_points(values, among=5)
    assert not change_points(values, among=50)
    assert change_points([]) == change_points([1.0]) == change_points([1.0, 2.0, 3.0]) == []
