"""The gate: correct runs pass, drops fail, and it says when the data is not enough to decide."""

from math import inf, isinf, isnan, nan, sqrt

import numpy as np
import pytest

from suite.analysis.intervals import group
from suite.analysis.margin import ALPHA, _lowest, judge
from suite.analysis.sequential import level_at, looks

pytestmark = pytest.mark.slow

REFERENCE = [0.900, 0.901, 0.902, 0.899, 0.905]
PLANNED = looks(3, 12)
SPREAD, MARGIN = 0.005, 0.02


def gate(draw, drop=0.0, *, spread=SPREAD, margin=MARGIN, references=10):
    """The verdict and the number of fresh seeds, with looks as planned until there is a decision."""
    reference = draw.normal(0.9, SPREAD, references)
    fresh = draw.normal(0.9 - drop, spread, PLANNED[-1])
    for k, n in enumerate(PLANNED):
        alpha = 1 - level_at(PLANNED, k, 1 - ALPHA)
        found = judge(fresh[:n].tolist(), reference.tolist(), margin=margin, alpha=alpha)
        if found.verdict != "INCONCLUSIVE":
            return found.verdict, n
    return found.verdict, n


@pytest.mark.promise
@pytest.mark.studies
def test_the_ends_are_students_and_welchs_by_scipy_in_1_000_random_cases(draws):
    from scipy.stats import ttest_ind

    draw, rises = np.random.default_rng(24), []
    for _ in range(draws(1_000)):
        fresh, reference = draw.normal(0.9, 0.01, draw.integers(2, 9)), draw.normal(0.9, 0.02, draw.integers(3, 9))
        found = judge(fresh.tolist(), reference.tolist(), margin=0.01, alpha=0.05)
        student = ttest_ind(reference, fresh, alternative="greater")
        at_most = ttest_ind(reference, fresh, alternative="less").confidence_interval(0.95).high
        welch = ttest_ind(reference, fresh, equal_var=False, alternative="less").confidence_interval(0.95).high
        rises.append(at_most < -0.01)

        assert found.p == pytest.approx(student.pvalue)
        assert found.interval.low == pytest.approx(student.confidence_interval(0.95).low)
        assert found.interval.high == pytest.approx(at_most if rises[-1] else welch)
        assert found.drop == pytest.approx(reference.mean() - fresh.mean())
        by_means = rises[-1] or (found.interval.low > 0 and welch >= 0.01)
        assert (found.verdict == "FAIL") == (by_means or found.lost is not None)
    assert 0 < sum(rises) < len(rises)


def by_formulas(new, old, alpha):
    """Student's lower end, Welch's upper end and Student's p, by the formulas of textbooks."""
    from scipy.special import stdtr, stdtrit

    freedom, drop = new.n + old.n - 2, old.mean - new.mean
    pooled = sum((one.n - 1) * one.sd**2 for one in (new, old)) / freedom
    error = sqrt(pooled * (1 / new.n + 1 / old.n))
    parts = [one.sd**2 / one.n for one in (new, old)]
    welchs = sum(parts) ** 2 / sum(part**2 / (one.n - 1) for part, one in zip(parts, (new, old), strict=True))
    low, high = drop + stdtrit(freedom, alpha) * error, drop - stdtrit(welchs, alpha) * sqrt(sum(parts))
    return low, high, stdtr(freedom, -drop / error)


def test_the_ends_and_p_are_those_of_the_formulas_in_300_random_cases():
    draw = np.random.default_rng(27)
    for _ in range(300):
        fresh, reference = draw.normal(0.9, 0.01, draw.integers(2, 9)), draw.normal(0.9, 0.02, draw.integers(3, 9))
        found = judge(fresh.tolist(), reference.tolist(), margin=1.0, alpha=0.01)  # no rise is as large as this margin

        wanted = by_formulas(group(fresh.tolist()), group(reference.tolist()), 0.01)
        assert (found.interval.low, found.interval.high, found.p) == pytest.approx(wanted, rel=0, abs=1e-12)


def test_runs_as_good_as_the_reference_pass():
    found = judge([0.900, 0.903, 0.901], REFERENCE, margin=0.02)

    assert (found.verdict, found.n, found.reference_n) == ("PASS", 3, 5)
    assert found.words.startswith("PASS: a drop of 0.0200 is ruled out. The drop is +0.0001 (")


def test_a_clear_drop_fails():
    found = judge([0.80, 0.81, 0.79], REFERENCE, margin=0.02)

    assert found.verdict == "FAIL"
    assert found.interval.low > 0
    assert found.words.startswith("FAIL: accuracy dropped. The drop is +0.1014 (")


def test_what_few_and_far_spread_runs_leave_open_is_inconclusive():
    found = judge([0.885, 0.92], REFERENCE, margin=0.02)

    assert found.verdict == "INCONCLUSIVE"
    assert "neither shown nor ruled out" in found.words


def test_a_drop_that_is_shown_to_be_within_the_margin_passes():
    found = judge([0.897, 0.896, 0.897, 0.898] * 3, [0.9, 0.901, 0.902, 0.9] * 3, margin=0.02)

    assert found.interval.low > 0
    assert found.verdict == "PASS"


def test_one_run_can_fail_and_cannot_pass():
    bad, good = judge([0.5], REFERENCE, margin=0.02), judge([0.9014], REFERENCE, margin=0.02)

    assert (bad.verdict, good.verdict) == ("FAIL", "INCONCLUSIVE")
    assert good.interval.high == inf


def test_better_runs_pass_within_the_margin():
    assert judge([0.91, 0.912, 0.915], REFERENCE, margin=0.02).verdict == "PASS"


def test_runs_that_are_too_good_are_not_the_references():
    found = judge([0.95, 0.96, 0.955], REFERENCE, margin=0.02)

    assert found.verdict == "FAIL"
    assert found.words.startswith("FAIL: accuracy rose by more than 0.0200: another protocol, or")


def test_a_rise_that_may_be_within_the_margin_passes():
    assert judge([0.915, 0.935, 0.925], REFERENCE, margin=0.02).verdict == "PASS"


def test_one_run_that_breaks_down_among_good_ones_fails():
    found = judge([0.9, 0.1, 0.905], REFERENCE, margin=0.02)

    assert (found.verdict, found.lost) == ("FAIL", 0.1)
    assert found.interval.low < 0  # the mean alone would show no drop
    assert found.words.startswith(
        "FAIL: a run has 0.1000, which the reference's runs do not have. The drop is +0.2664 ("
    )


@pytest.mark.parametrize(("worst", "lost"), [(0.8795, None), (0.8765, 0.8765)])
def test_a_run_is_lost_below_what_further_runs_of_the_reference_come_to(worst, lost):
    """5 values and 0.01 over 3 runs give 0.9014 - 4.86 * 0.00230 * 1.095, about 0.8891. Here the margin is wider."""
    assert judge([0.9, worst, 0.905], REFERENCE, margin=0.023).lost == lost


@pytest.mark.studies
def test_the_worst_of_three_honest_runs_is_lost_as_often_as_alpha_says(figure):
    draw = np.random.default_rng(26)
    rows = draw.normal(0.9, SPREAD, (4_000, 8))
    lost = np.mean([min(row[:3]) < _lowest(3, group(row[3:].tolist()), 0.05) for row in rows])
    figure(f"gate, worst of 3 honest runs against 5: lost in {lost:.2%} of 4,000, where 5% are meant at most")

    assert 0.03 < lost <= 0.05 + 2.5 * (0.05 * 0.95 / 4_000) ** 0.5


@pytest.mark.parametrize("lost", [nan, inf])
def test_a_run_that_diverged_fails(lost):
    found = judge([0.9, lost, 0.9], REFERENCE, margin=0.02)

    assert found.verdict == "FAIL"
    assert isnan(found.drop)
    assert found.words == "FAIL: of 3 fresh runs some have no accuracy."


@pytest.mark.parametrize(
    ("fresh", "verdict"), [(0.9, "PASS"), (0.95, "FAIL"), (0.91, "PASS"), (0.89, "PASS"), (0.87, "FAIL")]
)
def test_runs_without_any_spread_are_compared_as_they_are(fresh, verdict):
    found = judge([fresh] * 3, [0.9] * 3, margin=0.02)

    assert found.verdict == verdict
    assert (found.interval.low, found.interval.high) == (found.drop, found.drop)
    assert found.p == (0 if fresh < 0.9 else 1)


def test_a_spread_on_one_side_alone_is_enough():
    assert judge([0.9, 0.9, 0.9], REFERENCE, margin=0.02).verdict == "PASS"
    assert judge([0.9, 0.901, 0.902], [0.9] * 3, margin=0.02).verdict == "PASS"
    assert not isinf(judge([0.9, 0.9], REFERENCE, margin=0.02).interval.high)


@pytest.mark.parametrize(
    ("fresh", "reference"), [([], REFERENCE), ([0.9], [0.9, 0.9]), ([0.9], [0.9, nan, 0.9]), ([0.9], [])]
)
def test_without_a_reference_or_a_run_there_is_no_verdict(fresh, reference):
    with pytest.raises(ValueError, match=r"at least|at the least|finished runs"):
        judge(fresh, reference, margin=0.02)


@pytest.mark.promise
def test_of_100_honest_gates_5_at_most_raise_an_alarm_and_of_2_000_1_percent(figure, draws):
    draw, count = np.random.default_rng(24), draws(2_000)
    ends = [gate(draw) for _ in range(count)]
    alarms = np.array([verdict == "FAIL" for verdict, _ in ends])
    passed = np.mean([verdict == "PASS" for verdict, _ in ends])
    worst = alarms.reshape(-1, 100).sum(axis=1).max()
    figure(
        f"gate, A/A, looks at {PLANNED}: {alarms.mean():.2%} of {count:,} alarms, {worst}"
        f" at most in 100; {passed:.1%} passed, with {np.mean([n for _, n in ends]):.1f} seeds on average"
    )

    assert worst <= 5
    assert alarms.mean() <= ALPHA
    assert passed > 0.95


@pytest.mark.promise
def test_honest_gates_without_a_margin_to_pass_by_raise_no_more_alarms(figure, draws):
    """With such a margin no gate passes early, so all looks are done."""
    draw, count = np.random.default_rng(25), draws(2_000)
    alarms = np.mean([gate(draw, margin=-1.0)[0] == "FAIL" for _ in range(count)])
    figure(f"gate, A/A, every look of {PLANNED} taken: {alarms:.2%} of {count:,} alarms")

    assert 0 < alarms <= ALPHA


@pytest.mark.parametrize(
    ("drop", "spread", "caught"), [(0.03, SPREAD, 0.95), (0.05, SPREAD, 0.99), (0.05, 0.02, 0.9), (0.3, 0.1, 0.99)]
)
def test_a_drop_beyond_the_margin_is_caught(drop, spread, caught, figure):
    draw = np.random.default_rng(24)
    ends = [gate(draw, drop, spread=spread) for _ in range(500)]
    failed = [n for verdict, n in ends if verdict == "FAIL"]
    figure(
        f"gate, drop {drop}, spread {spread} against {SPREAD}: {len(failed) / 5:.1f} % caught, "
        f"with {np.mean(failed):.1f} seeds on average"
    )

    assert len(failed) / 500 >= caught


@pytest.mark.promise
def test_a_drop_as_large_as_the_margin_hardly_ever_passes(figure, draws):
    draw, count = np.random.default_rng(24), draws(1_000)
    equal, wide = (
        np.mean([gate(draw, MARGIN, spread=spread)[0] == "PASS" for _ in range(count)])
        for spread in (SPREAD, 4 * SPREAD)
    )
    figure(f"gate, drop of the margin: {equal:.2%} pass, {wide:.2%} where the fresh runs spread four times as far")

    assert equal <= ALPHA + 2.5 * (ALPHA / count) ** 0.5
    assert wide <= 0.025  # Welch's t is only approximate, and worst if the smaller sample has the larger spread


def test_a_check_of_many_shares_the_false_alarms_and_passes_as_before():
    drop = [value - 0.006 for value in REFERENCE]
    alone, of_many = (judge(drop, REFERENCE, margin=0.005, among=among) for among in (1, 1_000))

    assert alone.interval.low > 0 > of_many.interval.low
    assert (alone.verdict, of_many.verdict) == ("FAIL", "INCONCLUSIVE")
    assert of_many.interval.high == alone.interval.high
