"""Power, compared with the noncentral t of textbooks; and the inverse: the seeds or the difference for a power."""

import numpy as np
import pytest

from suite.analysis.paired import Difference
from suite.analysis.power import detectable, power_of, seeds_needed

LEVELS = (0.95, 0.99)


def found(mean=0.01, *, sd=0.006, images_se=0.0, rest_sd=0.0, n=5, level=0.95):
    return Difference(mean, sd, images_se, rest_sd, n, 10_000, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [3, 4, 5, 10, 30])
def test_where_images_add_nothing_it_is_the_power_of_the_noncentral_t(n, level):
    from scipy.stats import chi2, nct, t

    one = found(n=n, level=level)
    true_sd = one.seeds_sd * np.sqrt((n - 1) / chi2.median(n - 1))
    for effect in (0.0, 0.003, 0.006, 0.012):
        noncentral, critical = effect / true_sd * np.sqrt(n), t.ppf(0.5 + level / 2, n - 1)
        expected = nct.sf(critical, n - 1, noncentral) + nct.cdf(-critical, n - 1, noncentral)

        assert power_of(one, effect) == pytest.approx(expected, abs=5e-4)
        assert power_of(one, -effect) == pytest.approx(power_of(one, effect))


def test_it_is_the_power_of_statsmodels():
    from scipy.stats import chi2
    from statsmodels.stats.power import TTestPower

    for n in (3, 5, 10):
        true_sd = 0.006 * np.sqrt((n - 1) / chi2.median(n - 1))

        assert power_of(found(n=n), 0.01) == pytest.approx(TTestPower().power(0.01 / true_sd, n, 0.05), abs=5e-4)


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("one", [found(), found(images_se=0.003), found(sd=0, rest_sd=0.3), found(n=3, level=0.99)])
def test_what_is_detectable_is_seen_with_that_power(one, power):
    assert power_of(one, detectable(one, power)) == pytest.approx(power, abs=1e-3)


@pytest.mark.parametrize(
    "one", [found(), found(0.005), found(0.002, n=10), found(-0.004), found(0.01, images_se=0.003)]
)
def test_the_seeds_needed_are_enough_and_one_fewer_is_not(one):
    needed = seeds_needed(one)

    assert power_of(one, one.mean, needed) >= 0.8
    assert needed == 3 or power_of(one, one.mean, needed - 1) < 0.8


def test_more_seeds_cannot_settle_what_the_images_leave_open():
    assert seeds_needed(found(0.004, images_se=0.003)) is None
    assert seeds_needed(found(0.01, images_se=0.003)) is not None


def test_no_difference_at_all_needs_more_seeds_than_there_are():
    assert seeds_needed(found(0.0)) is None
    assert seeds_needed(found(0.0001), most=50) is None


def test_more_seeds_more_images_or_less_spread_see_more():
    worse = found(images_se=0.003)

    assert detectable(found(images_se=0.003, n=10)) < detectable(worse)
    assert detectable(found(images_se=0.001)) < detectable(worse)
    assert detectable(found(images_se=0.003, sd=0.002)) < detectable(worse)


def test_where_nothing_spreads_everything_is_seen():
    same = found(0, sd=0)

    assert (power_of(same, 0), power_of(same, 1e-6), detectable(same)) == (0, 1, 0)
