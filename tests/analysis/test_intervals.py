"""Intervals, compared with published tables and with the known truth of simulations."""

import math
import random
import statistics

import pytest

from suite.analysis.intervals import LEVEL, group, wilson

# Student's t at 97.5 % by degrees of freedom, from any printed table.
T_TABLE = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 29: 2.045}


def test_a_group_says_its_number_mean_worst_best_and_spread():
    found = group([0.90, 0.88, 0.92])

    assert found.n == 3
    assert found.mean == pytest.approx(0.90)
    assert (found.worst, found.best) == (0.88, 0.92)
    assert found.sd == pytest.approx(0.02)


def test_one_seed_has_no_spread():
    assert group([0.9]).sd is None
    assert group([0.9]).mean == group([0.9]).worst == group([0.9]).best == 0.9


@pytest.mark.parametrize("values", [[0.9], [0.9, 0.91], [0.9, 0.9]])
def test_there_is_no_interval_below_three_seeds(values):
    assert group(values).interval is None


def test_the_interval_of_1_to_5_is_the_one_computed_by_hand():
    # mean 3, standard deviation sqrt(2.5), t(4) = 2.7764: 3 ± 2.7764 × 1.58114 / 2.23607
    found = group([1, 2, 3, 4, 5]).interval

    assert (round(found.low, 4), round(found.high, 4)) == (1.0368, 4.9632)


@pytest.mark.parametrize("freedom", T_TABLE)
def test_half_the_interval_is_the_tables_t_times_the_standard_error(freedom):
    draw = random.Random(freedom)
    values = [draw.gauss(0.9, 0.01) for _ in range(freedom + 1)]
    found = group(values).interval
    error = statistics.stdev(values) / math.sqrt(len(values))

    assert (found.high - found.low) / 2 / error == pytest.approx(T_TABLE[freedom], abs=5e-4)
    assert (found.high + found.low) / 2 == pytest.approx(statistics.fmean(values))


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_scipys(seed):
    from scipy.stats import sem, t

    values = [random.Random(seed).gauss(0.9, 0.01) for _ in range(4)] + [0.91]
    found = group(values).interval
    low, high = t.interval(LEVEL, len(values) - 1, loc=statistics.fmean(values), scale=sem(values))

    assert (found.low, found.high) == pytest.approx((low, high))


def test_equal_seeds_have_an_interval_of_no_width():
    found = group([0.9, 0.9, 0.9]).interval

    assert found.low == found.high == pytest.approx(0.9)


def test_the_interval_holds_the_truth_in_95_of_100_simulated_suites(figure):
    draw = random.Random(24)
    truth, suites = 0.9, 2_000
    intervals = [group([draw.gauss(truth, 0.003) for _ in range(5)]).interval for _ in range(suites)]
    coverage = sum(one.low <= truth <= one.high for one in intervals) / suites
    figure(f"t interval of 5 seeds: covers {coverage:.1%} of {suites:,} simulated suites")

    assert 0.93 <= coverage <= 0.97


# R. G. Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3.
@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_intervals_are_those_of_the_published_table(right, images, low, high):
    found = wilson(right, images)

    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("right", "images", "half"),
    [(9_900, 10_000, 0.0020), (9_000, 10_000, 0.0059)],
)
def test_the_noise_of_10_000_test_images_is_what_binomial_arithmetic_says(right, images, half):
    found = wilson(right, images)

    assert round((found.high - found.low) / 2, 4) == half


@pytest.mark.parametrize("images", [1, 20, 297, 10_000])
def test_wilsons_interval_mirrors_and_stays_within_0_and_1(images):
    for right in {0, 1, images // 3, images}:
        found, mirrored = wilson(right, images), wilson(images - right, images)

        assert 0 <= found.low <= right / images <= found.high <= 1
        assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


def test_wilsons_intervals_are_statsmodels_in_1_000_random_cases():
    from statsmodels.stats.proportion import proportion_confint

    draw = random.Random(24)
    for case in range(1_000):
        images = draw.randint(1, 10_000)
        right = draw.randint(0, images) if case % 2 else draw.uniform(0, images)  # a mean over seeds may be a fraction
        level = draw.choice([0.9, LEVEL, 0.99])
        found = wilson(right, images, level)

        expected = proportion_confint(right, images, 1 - level, method="wilson")

        assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


def test_of_no_images_nothing_is_known():
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
