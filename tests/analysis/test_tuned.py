"""Comparisons of tuned experiments: the error of each verdict, the announced power, and other libraries' values."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from suite.analysis.best_so_far import curve
from suite.analysis.paired import difference
from suite.analysis.power import power_of
from suite.analysis.tuned import Side, beats, compare, gain
from tests.analysis.simulated import ACCURACY, DIFFICULTY, NORMAL, World

FULL = (pytest.mark.promise, pytest.mark.full)


def tunings(draw, world, *, studies, seeds=3, images=500, study_sd=0.005, gap=0.0):
    """What two sides have right, bool (2, studies, seeds, images): each study finds a recipe of its own quality.

    The accuracies, over all studies, seeds and images, differ by `gap` exactly.
    """
    found = study_sd * world.luck / world.seed_sd  # the spread of what studies find, as abilities
    spread = np.hypot(np.hypot(world.deviation, world.luck), found)
    abilities = spread * np.array([NORMAL.inv_cdf(ACCURACY + gap), NORMAL.inv_cdf(ACCURACY)]).reshape(2, 1, 1, 1)
    scores = draw.standard_normal((2, studies, seeds, images), dtype=np.float32)
    scores += DIFFICULTY * draw.standard_normal(images, dtype=np.float32)
    scores += world.luck * draw.standard_normal((2, studies, seeds, 1))
    scores += found * draw.standard_normal((2, studies, 1, 1))
    return scores + abilities > 0


@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=FULL)])
def test_the_interval_is_students_of_the_studies_with_the_images_part(count):
    draw = np.random.default_rng(3)
    for _ in range(count):
        k, n, m = int(draw.integers(2, 6)), int(draw.integers(3, 6)), 1_000
        shares = np.round(draw.uniform(-0.2, 0.3, (k, n)), 3)
        one, other = np.zeros((k, n, m), bool), np.zeros((k, n, m), bool)
        for place in np.ndindex(k, n):
            chosen = draw.permutation(m)[: abs(round(shares[place] * m))]
            (one if shares[place] > 0 else other)[place][chosen] = True
        found = gain(one, other)
        means = sm.stats.DescrStatsW(shares.mean(axis=1))
        expected = means.tconfint_mean()

        assert found.mean == pytest.approx(means.mean)
        t_images = stats.t.ppf(0.975, m - 1)
        least = (
            t_images * found.rest_sd / np.sqrt(k * m)
        )  # where the studies agree more than single images do by chance
        half = np.hypot(max((expected[1] - expected[0]) / 2, least), t_images * found.images_se)
        assert (found.interval.low, found.interval.high) == pytest.approx(
            (max(-1, means.mean - half), min(1, means.mean + half)), abs=1e-9
        )
        assert found.interval.low <= max(-1, expected[0]) + 1e-9
        assert found.interval.high >= min(1, expected[1]) - 1e-9


def test_a_single_study_is_compared_over_its_seeds():
    draw = np.random.default_rng(4)
    one, other = draw.random((1, 5, 300)) < 0.9, draw.random((1, 5, 300)) < 0.8

    assert gain(one, other) == difference(one[0], other[0])
    assert "given these tunings" in compare([Side("a", one, one), Side("b", other, other)])[0].words


def test_the_chance_to_win_is_that_of_many_new_studies_and_seeds():
    draw, k, n = np.random.default_rng(5), 400, 3
    studies = 0.01 + 0.02 * draw.standard_normal((k, 1))
    shares = np.clip(studies + 0.03 * draw.standard_normal((k, n)), -1, 1)
    m = 1_000
    one = np.arange(m) < (500 + np.round(shares * m))[..., None]
    other = np.broadcast_to(np.arange(m) < 500, one.shape)

    expected = stats.norm.cdf(0.01 / np.hypot(0.02, 0.03))  # of a new study and a new seed
    assert beats(one, other) == pytest.approx(expected, abs=0.03)


@pytest.mark.studies
@pytest.mark.promise
@pytest.mark.parametrize("studies", [2, 3, 5])
def test_equal_experiments_are_called_different_in_5_percent_at_most(studies, draws, figure):
    draw, many = np.random.default_rng(6), draws(2_000)
    for study_sd in (0.0, 0.01):
        wrong = untouched = 0
        for _ in range(many):
            one, other = tunings(draw, World(0.005), studies=studies, study_sd=study_sd)
            found = gain(one, other)
            wrong += found.p < 0.05
            seeds = difference(one.reshape(studies * 3, -1), other.reshape(studies * 3, -1))
            untouched += seeds.p < 0.05
        figure(f"equal experiments, {studies} studies of 3 seeds, spread of tuning {study_sd}: {wrong / many:.1%} of "
               f"{many} called different; {untouched / many:.1%} if the studies are ignored")  # fmt: skip

        assert stats.binomtest(wrong, many, 0.05, "greater").pvalue > 0.01
    assert untouched > wrong


@pytest.mark.studies
@pytest.mark.promise
@pytest.mark.parametrize(
    ("studies", "gap"),
    [(3, 0.03), (4, 0.02), *(pytest.param(*one, marks=FULL) for one in
                             ((2, 0.02), (2, 0.03), (3, 0.02), (4, 0.03), (5, 0.02), (5, 0.03)))],
)  # fmt: skip
def test_the_announced_power_is_close_to_what_happens(studies, gap, draws, figure):
    draw, many = np.random.default_rng(7), draws(3_000)
    announced, gains, shown = [], [], 0
    for _ in range(many):
        one, other = tunings(draw, World(0.005), studies=studies, study_sd=0.005, gap=gap)
        found = gain(one, other)
        announced.append(power_of(found, gap))
        gains.append(found.mean)
        shown += found.p < 0.05
    low, middle, high = np.quantile(announced, [0.25, 0.5, 0.75])
    happened = shown / many
    figure(f"{studies} studies, a difference of {100 * gap:.0f} points: announced power {middle:.1%} (half of the "
           f"comparisons {low:.0%} to {high:.0%}, mean {np.mean(announced):.1%}), happened {happened:.1%}, "
           f"n = {many}")  # fmt: skip

    assert abs(middle - happened) < 0.05 + 2 * np.sqrt(happened * (1 - happened) / many)
    error = np.std(gains) / np.sqrt(many)
    assert np.mean(gains) == pytest.approx(gap, abs=4 * error), "the difference that is simulated"


def test_an_interval_ends_where_accuracies_do_and_says_so():
    one, other = np.zeros((2, 3, 100), bool), np.zeros((2, 3, 100), bool)
    one[0, :, :90] = one[1, :, :20] = other[:, :, 50:60] = True
    [found] = compare([Side("a", one, one), Side("b", other, other)])

    assert (found.found.interval.low, found.found.interval.high) == (-1, 1)
    assert (found.ruled_out, found.visible, found.verdict) == (1, 1, "undecided")
    assert "+45.00 points (-100.00 to +100.00, cut at what is possible)" in found.words
    assert "could not have seen any difference; no difference is ruled out" in found.words


def test_three_sides_are_corrected_by_holm():
    draw = np.random.default_rng(8)
    right = [draw.random((3, 3, 400)) < share for share in (0.9, 0.88, 0.5)]
    found = compare([Side(name, one, one) for name, one in zip("abc", right, strict=True)])
    alone = [gain(one, other).p for one, other in ((right[0], right[1]), (right[0], right[2]), (right[1], right[2]))]

    assert [(one.one, one.other) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [one.p for one in found] == pytest.approx(sm.stats.multipletests(alone, method="holm")[1])
    assert [one.verdict for one in found][1:] == ["better", "better"]


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [200, pytest.param(5_000, marks=FULL)])
def test_the_band_of_a_random_search_holds_for_the_whole_curve(repeats, figure):
    draw, held = np.random.default_rng(9), 0
    true = {b: 0.5 ** (1 / b) for b in range(1, 13)}  # the median of the largest of b uniform draws
    for _ in range(repeats):
        found = curve(draw.random((3, 12)).tolist(), random=True)
        held += all(one.low <= true[one.trials] <= one.high for one in found)
    figure(f"bands of 3 × 12 random trials: hold for the whole curve in {held / repeats:.1%} of {repeats}")

    assert held / repeats >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / repeats)


def test_the_curve_of_another_search_is_the_median_of_the_studies_without_a_band():
    found = curve([[0.1, 0.5, 0.2], [0.3, 0.2, 0.6], [0.2, 0.1, 0.1]], random=False)

    assert [one.median for one in found] == [0.2, 0.3, 0.5]
    assert {(one.low, one.high) for one in found} == {(None, None)}
