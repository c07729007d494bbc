"""Ratios of paired times: no bias, an interval that is wide enough, and no verdict without evidence."""

import math
from dataclasses import replace

import numpy as np
import pytest

from suite.analysis.intervals import Interval
from suite.analysis.ratios import FEWEST_ROUNDS, Ratio, judge, over, ratio, relation

pytestmark = pytest.mark.slow

ROUNDS, CYCLES = 6, 12
TRIALS = 400


def session(generator: np.random.Generator, slower: float, *, of_rounds: float, of_cycles: float) -> tuple:
    """Times of two sides whose true ratio is `slower`. The machine's speed drifts, and outliers hit one side."""
    shape = (ROUNDS, CYCLES)
    hour = np.exp(generator.normal(0, 0.3, shape).cumsum(axis=1))
    place = np.exp(generator.normal(0, of_rounds / math.sqrt(2), (2, ROUNDS, 1)))
    noise = np.exp(generator.normal(0, of_cycles / math.sqrt(2), (2, *shape)))
    hit = np.where(generator.random((2, *shape)) < 0.05, 3.0, 1.0)
    one, other = hour * place * noise * hit
    return slower * one, other


def test_a_ratio_is_the_median_of_the_cycles_ratios():
    other = np.array([[1.0, 2.0, 4.0]] * FEWEST_ROUNDS)

    found = ratio(other * np.array([1.0, 1.5, 9.0]), other)

    assert found.value == pytest.approx(1.5)
    assert (found.rounds, found.cycles) == (FEWEST_ROUNDS, 3)


def test_equal_times_are_certainly_equal():
    times = np.full((ROUNDS, CYCLES), 0.01)

    assert ratio(times, times).interval == Interval(1.0, 1.0)
    assert ratio(times, times).smallest_effect == 1.0


def test_the_same_times_give_the_same_interval():
    one, other = session(np.random.default_rng(3), 1.1, of_rounds=0.02, of_cycles=0.1)

    assert ratio(one, other) == ratio(one, other)


def test_turned_over_it_is_the_reciprocal():
    one, other = session(np.random.default_rng(4), 1.1, of_rounds=0.02, of_cycles=0.1)
    there, back = ratio(one, other), ratio(other, one)

    assert there.value == pytest.approx(1 / back.value)
    assert there.interval.low == pytest.approx(1 / back.interval.high)


@pytest.mark.parametrize("shapes", [((2, 4), (2, 4)), ((3, 4), (3, 5)), ((12,), (12,)), ((3, 0), (3, 0))])
def test_what_cannot_be_resampled_is_refused(shapes):
    with pytest.raises(ValueError, match="rounds"):
        ratio(*(np.ones(shape) for shape in shapes))


@pytest.mark.parametrize(("of_rounds", "of_cycles"), [(0.0, 0.1), (0.02, 0.1), (0.05, 0.02)])
def test_the_interval_holds_the_truth_as_often_as_it_says(figure, of_rounds, of_cycles):
    generator = np.random.default_rng(11)

    def holds() -> bool:
        found = ratio(*session(generator, 1.2, of_rounds=of_rounds, of_cycles=of_cycles)).interval
        return found.low <= 1.2 <= found.high

    covered = sum(holds() for _ in range(TRIALS)) / TRIALS
    figure(f"ratios of times, noise {of_rounds:.0%} by round and {of_cycles:.0%} by cycle: covered in {covered:.1%}")
    assert covered >= 0.92  # three standard errors of 400 trials below 95 %


def test_the_smallest_effect_is_found_in_four_of_five_sessions(figure):
    generator = np.random.default_rng(12)
    typical = float(np.median([
        ratio(*session(generator, 1.0, of_rounds=0.02, of_cycles=0.1)).smallest_effect for _ in range(TRIALS)
    ]))  # fmt: skip

    found = [ratio(*session(generator, typical, of_rounds=0.02, of_cycles=0.1)) for _ in range(TRIALS)]

    power = sum(one.interval.low > 1 for one in found) / TRIALS
    figure(f"ratios of times: the smallest effect, {typical:.3f}, is found in {power:.1%} of {TRIALS} sessions")
    assert 0.7 <= power <= 0.9


def test_two_ratios_measured_apart_bring_both_their_errors():
    now, then = Ratio(0.9, 0.01, 6, 10), Ratio(0.8, 0.02, 6, 10)
    alone = math.log(now.interval.high / now.value), math.log(then.interval.high / then.value)

    found = over(now, then)

    assert math.log(found.high / found.low) / 2 == pytest.approx(math.hypot(*alone))
    assert math.sqrt(found.low * found.high) == pytest.approx(0.9 / 0.8)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.90, 1.05, "PASS"), (1.0501, 1.2, "FAIL"), (1.04, 1.06, "INCONCLUSIVE"), (0.5, 3.0, "INCONCLUSIVE"),
     (1.05, 1.2, "INCONCLUSIVE")],
)  # fmt: skip
def test_a_verdict_is_given_where_the_interval_lies_on_one_side_of_the_limit(low, high, verdict):
    assert judge(Interval(low, high), 1.05) == verdict


@pytest.mark.promise
def test_the_relation_is_that_of_two_one_sided_t_tests_by_scipy_in_1_000_random_cases(draws):
    from scipy.stats import t as student

    draw, seen = np.random.default_rng(41), set()
    for _ in range(draws(1_000)):
        value, error = math.exp(draw.normal(0, 0.03)), float(draw.uniform(0.001, 0.02))
        rounds, among, margin = int(draw.integers(3, 9)), int(draw.integers(1, 12)), float(draw.uniform(0.01, 0.1))
        found = Ratio(value, error, rounds, CYCLES)
        said = relation(lambda level, found=found: replace(found, level=level).interval, margin, rounds, among)
        log, room, df = math.log(value), math.log(1 + margin), rounds - 1
        inside = max(student.sf((log + room) / error, df), student.cdf((log - room) / error, df)) < 0.05 / among
        different = 2 * student.sf(abs(log) / error, df) < 0.05 / among
        half = student.isf(0.025 / among, df) * error
        visible = math.exp(half + student.ppf(0.8, df) * error) - 1
        ruled_out = math.exp(abs(log) + half) - 1
        other = "bounded" if ruled_out <= visible else "undecided"
        expected = "equivalent" if inside else other if not different else "worse" if log > 0 else "better"

        assert said.shown == expected
        assert (said.visible, said.ruled_out) == pytest.approx((visible, ruled_out))
        seen.add(said.shown)
    assert seen == {"equivalent", "better", "worse", "bounded", "undecided"}


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (1.0, 0.001, "Equivalent: 3 % or more are ruled out."),
        (1.02, 0.001, "Equivalent: 3 % or more are ruled out. It is shown to be slower, but by less than that."),
        (0.98, 0.001, "Equivalent: 3 % or more are ruled out. It is shown to be faster, but by less than that."),
        (1.1, 0.001, "Worse: slower, by 3 % or more."),
        (1.1, 0.035, "Worse: slower, whether by 3 % or more is open."),
        (1 / 1.1, 0.001, "Better: faster, by 3 % or more."),
        (1.0, 0.02, "No difference shown, and a difference above 5.3 % is ruled out."),
        (1.04, 0.02, "Undecided (could not have seen less than 7.2 %; a difference above 9.5 % is ruled out)."),
    ],
)
def test_the_words_of_a_relation_are_those_of_a_comparison(value, error, words):
    found = Ratio(value, error, 6, CYCLES)

    assert relation(lambda level: replace(found, level=level).interval, 0.03, 6).words == words


@pytest.mark.parametrize("sessions", [300, pytest.param(2_000, marks=(pytest.mark.promise, pytest.mark.full))])
def test_what_is_shown_of_a_margin_is_wrong_in_5_percent_at_most(figure, sessions):
    generator = np.random.default_rng(13)

    def shown(slower):
        found = ratio(*session(generator, slower, of_rounds=0.01, of_cycles=0.05))
        return relation(lambda level: replace(found, level=level).interval, 0.03, ROUNDS)

    equal, at_margin = ([shown(slower) for _ in range(sessions)] for slower in (1.0, 1.03))
    different = sum(one.shown in ("better", "worse") for one in equal) / sessions
    wrong = sum(one.shown == "equivalent" for one in at_margin) / sessions
    missed = sum(one.ruled_out < 0.03 for one in at_margin) / sessions
    said = sum(one.shown == "equivalent" for one in equal) / sessions
    figure(f"speed with a margin of 3 %, {sessions} sessions each: equal sides are called better or worse in "
           f"{different:.1%}, sides that differ by the margin equivalent in {wrong:.1%}, their difference is ruled out "
           f"in {missed:.1%}; equal sides are called equivalent in {said:.1%}")  # fmt: skip

    for share in (different, wrong, missed):
        assert share <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / sessions)
