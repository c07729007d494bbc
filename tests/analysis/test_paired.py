"""Two recipes compared: by hand, with scipy, with a mixed model's sums of squares, and with a simulated truth."""

import math
from dataclasses import replace

import numpy as np
import pytest

from suite.analysis.intervals import LEVEL
from suite.analysis.paired import Difference, beats, difference
from suite.analysis.power import power_of
from tests.analysis.simulated import World

SEED_SPREADS = (0.003, 0.005, 0.01)


def drawn(seed, n=5, m=400, share=0.9):
    return np.random.default_rng(seed).random((2, n, m)) < share


def holds(found, truth):
    return found.interval.low <= truth <= found.interval.high


def test_the_parts_of_the_variance_are_those_counted_by_hand():
    # d = [[1, 0], [0, 0], [1, 1]]: seed means 1/2, 0, 1; image means 2/3, 1/3; grand mean 1/2
    # squares: seeds 2 × 1/2 = 1, images 3 × 1/18 = 1/6, all 6 × 1/4 = 3/2, rest 3/2 - 1 - 1/6 = 1/3 with 2 degrees
    one = np.array([[1, 0], [0, 0], [1, 1]], dtype=bool)
    found = difference(one, np.zeros_like(one))

    assert (found.mean, found.n, found.images) == (0.5, 3, 2)
    assert found.seeds_sd == pytest.approx(0.5)
    assert found.rest_sd == pytest.approx(math.sqrt(1 / 6))
    assert found.images_se == pytest.approx(math.sqrt(max(0, 1 / 18 / 2 - 1 / 6 / 6)), abs=1e-9)
    assert found.seeds_se == pytest.approx(0.5 / math.sqrt(3))


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_add_up_to_what_the_analysis_of_variance_gives(seed):
    one, other = drawn(seed)
    d = one.astype(float) - other
    rest = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0, keepdims=True) + d.mean()
    rest_square = (rest**2).sum() / (4 * 399)
    seeds, images = d.mean(axis=1).var(ddof=1) / 5, d.mean(axis=0).var(ddof=1) / 400
    found = difference(one, other)

    assert found.rest_sd**2 == pytest.approx(rest_square)
    assert found.seeds_sd**2 / 5 == pytest.approx(seeds)
    assert found.images_se**2 == pytest.approx(max(0.0, images - rest_square / 2000), abs=1e-12)
    assert found.se**2 >= max(seeds, seeds + images - rest_square / 2000) - 1e-12


@pytest.mark.studies
def test_where_images_add_nothing_it_is_the_paired_t_of_the_seeds_in_1_000_random_cases():
    """If the images add no variance, the result is scipy's paired t-test of the seeds' accuracies."""
    from scipy.stats import ttest_rel

    draw, m = np.random.default_rng(24), 300
    for n in range(3, 13):
        rights = draw.integers(0, m, (2, 100, n))
        reference = ttest_rel(*rights / m, axis=1)
        ends = reference.confidence_interval(LEVEL)
        for case, (one, other) in enumerate(zip(*(np.arange(m) < rights[..., None]), strict=True)):
            found = difference(one, other)
            alone = replace(found, images_se=0.0, rest_sd=0.0)

            assert alone.p == pytest.approx(reference.pvalue[case], rel=1e-6)
            assert (alone.interval.low, alone.interval.high) == pytest.approx(
                (max(-1, ends.low[case]), min(1, ends.high[case]))  # accuracies do not differ by more
            )
            assert alone.df == pytest.approx(n - 1)
            assert found.p >= alone.p * (1 - 1e-9)


def test_p_and_the_interval_say_the_same():
    for seed in range(50):
        found = difference(*drawn(seed, n=4, m=60, share=0.7))
        at_p = replace(found, level=1 - found.p).interval

        assert (found.p < 1 - LEVEL) == (not holds(found, 0))
        assert min(abs(at_p.low), abs(at_p.high)) == pytest.approx(0, abs=1e-9)


def test_exchanging_the_two_changes_the_sign_alone():
    one, other = drawn(3)
    there, back = difference(one, other), difference(other, one)

    assert (there.mean, there.p, there.se) == (-back.mean, back.p, back.se)
    assert (there.interval.low, there.interval.high) == pytest.approx((-back.interval.high, -back.interval.low))
    assert beats(one, other) == pytest.approx(1 - beats(other, one))


def test_a_surer_level_has_a_wider_interval():
    widths = [difference(*drawn(1), level=level).half((1 - level) / 2) for level in (0.8, 0.95, 0.99, 0.999)]

    assert widths == sorted(set(widths))


def test_two_recipes_with_the_same_answers_do_not_differ():
    one, _ = drawn(0)
    found = difference(one, one)

    assert (found.mean, found.p, found.se, found.df) == (0, 1, 0, 0)
    assert (found.interval.low, found.interval.high) == (0, 0)
    assert beats(one, one) == 0.5


def test_all_right_against_all_wrong_is_sure():
    right = np.ones((3, 50), dtype=bool)

    assert difference(right, ~right).p == 0
    assert (beats(right, ~right), beats(~right, right)) == (1, 0)


def test_seeds_that_are_equal_by_luck_do_not_make_a_difference_sure():
    """Every seed gains one image, each a different one. So all seeds have equal means, but one image shows nothing."""
    one = np.eye(3, 1_000, dtype=bool)
    found = difference(one, np.zeros_like(one))

    assert found.seeds_sd == pytest.approx(0, abs=1e-12)
    assert found.p > 0.05


@pytest.mark.parametrize("shape", [(2, 100), (3, 1), (1, 1)])
def test_too_few_are_refused(shape):
    few = np.zeros(shape, dtype=bool)

    for compare in (difference, beats):
        with pytest.raises(ValueError, match="at least 3 seeds and 2 images"):
            compare(few, few)


@pytest.mark.parametrize("shapes", [((3, 10), (3, 11)), ((3, 10), (4, 10)), ((30,), (30,))])
def test_what_is_not_paired_is_refused(shapes):
    with pytest.raises(ValueError, match="twice"):
        difference(*(np.zeros(shape, dtype=bool) for shape in shapes))


def test_the_facts_hold_the_figures():
    found = difference(*drawn(2))

    assert found.facts()["p"] == found.p
    assert found.facts()["interval"] == {"low": found.interval.low, "high": found.interval.high}
    assert {"mean", "se", "df", "seeds_sd", "images_se", "n", "images", "level"} <= set(found.facts())


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.95, 0.995])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_however_the_variance_is_shared_out_the_truth_is_missed_as_rarely_as_was_said(n, level, figure):
    """100,000 comparisons from the model for each mixture of variances, also at the level of an early look."""
    draw, m, count, rates = np.random.default_rng(24), 2_000, 100_000, []
    for of_seeds in (0, 1, 4, 16):
        for of_images in (0, 1, 4, 16):
            found = Difference(0, math.nan, math.sqrt(of_images), math.sqrt(n * m), n, m, level)
            spreads = np.sqrt((of_seeds + 1) * n * draw.chisquare(n - 1, count) / (n - 1))
            means = draw.normal(0, math.sqrt(of_seeds + 1 + of_images), count)
            rates.append(float((abs(means) > found.halves((1 - level) / 2, spreads)).mean()))
    figure(f"paired interval at {level:.1%}, {n} seeds, 16 mixtures: misses {min(rates):.2%} to {max(rates):.2%}")

    assert max(rates) <= (1 - level) + 3 * math.sqrt((1 - level) * level / count)
    assert min(rates) > 0


@pytest.mark.promise
@pytest.mark.studies
@pytest.mark.parametrize("n", [3, 5, 10])
def test_of_1_000_comparisons_of_equal_recipes_5_percent_at_most_are_called_different(n, figure, draws):
    draw, count = np.random.default_rng(24), draws(1_000)
    rates = []
    for spread in SEED_SPREADS:
        found = [difference(*answers) for answers in World(spread).comparisons(draw, count, n)]
        rates.append(np.mean([not holds(one, 0) for one in found]))
    each = ", ".join(f"{rate:.1%} at {spread}" for rate, spread in zip(rates, SEED_SPREADS, strict=True))
    figure(f"A/A, {n} seeds, 3 × {count:,} comparisons: {np.mean(rates):.1%} called different ({each} between seeds)")

    assert np.mean(rates) <= 0.05
    assert max(rates) <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / count)


@pytest.mark.promise
@pytest.mark.studies
@pytest.mark.parametrize(("n", "world"), [
    (3, World(0.003, 0.02, 1.0)), (5, World(0.003, 0.01, 0.5)), (5, World(0.005, 0.015, 0.5)),
    (5, World(0.01, 0.02, 1.0)), (10, World(0.005, 0.01, 0.5)), (10, World(0.01, 0.02, 0.5)),
])  # fmt: skip
def test_a_true_difference_is_covered_and_seen_as_often_as_was_announced(n, world, figure, draws):
    """The announced power comes from other comparisons of n seeds, made before the tested ones are drawn."""
    draw, count = np.random.default_rng(24), draws(1_000)
    found = [difference(*answers) for answers in world.comparisons(draw, count, n)]
    seen = float(np.mean([one.p < 1 - LEVEL for one in found]))
    covered = float(np.mean([holds(one, world.gap) for one in found]))
    announced = [power_of(one, world.gap) for one in found]
    usual, mean = np.median(announced), np.mean(announced)
    figure(
        f"{n} seeds, true difference {world.gap}: covered {covered:.1%}; seen {seen:.1%}, "
        f"announced {usual:.1%} in the median, {mean:.1%} on average"
    )

    assert covered >= 0.95 - 2.5 * math.sqrt(0.05 * 0.95 / count)
    assert abs(usual - seen) <= 0.05
    assert abs(mean - seen) <= (0.09 if n == 3 else 0.06)


@pytest.mark.studies
def test_beats_is_the_place_of_no_gain_among_what_a_new_seed_may_gain(figure):
    """`beats` is calibrated: it is below 5 % in 5 % of the random cases, and the same for 25, 50 and 90 %."""
    draw, m, count = np.random.default_rng(24), 4_000, 4_000
    gains = np.round(draw.normal(0, 0.01, (count, 6)) * m).astype(int)
    middle, announced = np.zeros((5, m), dtype=bool), []
    middle[:, : m // 2] = True
    for row in gains:
        one = np.arange(m) < m // 2 + (row[:5] - row[5])[:, None]  # shifted so that the new seed's gain is zero
        announced.append(beats(one, middle))
    shares = [float(np.mean(np.array(announced) < point)) for point in (0.05, 0.25, 0.5, 0.9)]
    figure(
        "beats, 5 seeds: below 5, 25, 50, 90 % in " + ", ".join(f"{share:.1%}" for share in shares) + " of all cases"
    )

    assert shares == pytest.approx([0.05, 0.25, 0.5, 0.9], abs=0.025)
