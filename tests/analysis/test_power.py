"""Power, compared with the noncentral t of textbooks; and the inverse: the seeds or the difference for a power."""

import numpy as np
import pytest

from suite.analysis.paired import Difference, difference
from suite.analysis.power import detectable, fewest_seeds, power_of, power_within, seeds_needed
from tests.analysis.simulated import World

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


@pytest.mark.promise
@pytest.mark.studies
@pytest.mark.parametrize(
    ("n", "world"), [(3, World(0.002, taste=0.3)), (5, World(0.003, taste=0.3)), (10, World(0.005))]
)
def test_equal_recipes_are_shown_to_be_equivalent_as_often_as_was_announced(n, world, figure, draws):
    """The announced power comes from pilots of the same kind; it is within 5 points of what happens, in the median."""
    draw, margin = np.random.default_rng(18), 0.01
    drawn = [difference(*answers) for answers in world.comparisons(draw, draws(1_000), n)]
    shown = float(np.mean([one.p_within(margin) < 0.05 for one in drawn]))
    announced = float(np.median([power_within(one, margin) for one in drawn]))
    figure(f"{n} seeds, margin {margin}: equal recipes are equivalent in {shown:.1%}, announced {announced:.1%}")

    assert abs(announced - shown) <= 0.05


def test_the_fewest_seeds_are_those_whose_power_is_enough():
    one = found(images_se=0.002, rest_sd=0.2)

    for with_seeds in (lambda n: power_of(one, 0.008, n), lambda n: power_within(one, 0.008, n)):
        fewest = fewest_seeds(with_seeds, 0.8)
        assert fewest is not None
        assert with_seeds(fewest) >= 0.8 > with_seeds(fewest - 1)
    assert fewest_seeds(lambda n: power_of(one, 0.002, n), 0.8) is None
    assert power_of(one, detectable(one, n=20), 20) == pytest.approx(0.8, abs=0.001)
