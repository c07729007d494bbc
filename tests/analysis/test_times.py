"""Time to a target, for seeds that reach it and seeds that do not; and the place of a figure among our values."""

import numpy as np
import pytest

from suite.analysis.times import Reached, over_seeds, percentile_of, time_to


def history(*accuracies):
    return [
        {"test_accuracy": accuracy, "train_seconds": 1.5 * epoch, "images": 1_000 * epoch}
        for epoch, accuracy in enumerate(accuracies, 1)
    ]


def test_the_first_epoch_at_the_target_counts_even_if_a_later_one_falls_back():
    assert time_to(history(0.5, 0.8, 0.7, 0.9), 0.8) == Reached(2, 2_000, 3.0)
    assert time_to(history(0.5, 0.8, 0.7, 0.9), 0.81) == Reached(4, 4_000, 6.0)


@pytest.mark.parametrize("rows", [history(), history(0.5, 0.7), history(None, float("nan"))])
def test_a_target_that_was_not_reached_has_no_time(rows):
    assert time_to(rows, 0.8) is None


def test_an_epoch_without_a_test_is_passed_over():
    assert time_to(history(None, None, 0.9), 0.8) == Reached(3, 3_000, 4.5)


def test_seeds_that_never_reach_the_target_took_longer_than_all_others():
    times = [time_to(history(*([0.0] * epoch), 0.9), 0.8) for epoch in (0, 1, 4)]

    assert over_seeds(times).median == Reached(2, 2_000, 3.0)
    found = over_seeds([*times, None, None])
    assert (found.n, found.reached, found.median) == (5, 3, Reached(5, 5_000, 7.5))


@pytest.mark.parametrize("lost", [2, 3])
def test_where_half_of_the_seeds_do_not_there_is_no_median(lost):
    found = over_seeds([Reached(1, 1, 1.0)] * 2 + [None] * lost)

    assert (found.reached, found.median) == (2, None)


@pytest.mark.parametrize(
    ("published", "percent"), [(0.85, 0), (0.86, 10), (0.865, 20), (0.8677, 60), (0.88, 80), (0.9, 100)]
)
def test_a_figures_place_is_the_share_below_it_and_half_of_those_equal(published, percent):
    assert percentile_of(published, [0.86, 0.867, 0.866, 0.87, 0.89]) == pytest.approx(percent)


def test_a_figures_place_is_scipys_to_the_bit():
    from scipy.stats import percentileofscore

    draw = np.random.default_rng(0)
    for _ in range(300):
        values = draw.random(draw.integers(1, 12)).round(1).tolist()
        published = round(draw.random(), 1)

        assert percentile_of(published, values) == percentileofscore(values, published, kind="mean")
