"""The calibration error: counted by hand, by scikit-learn's curve, and for well-calibrated classifiers."""

import numpy as np
import pytest

from suite.analysis.calibration import calibration


def test_it_is_the_one_counted_by_hand():
    # two bins: confidence 0.3, 0 of 1 right; confidence 0.6, 0.8, 1.0, 2 of 3 right: (|0.3 - 0| + |2.4 - 2|) / 4
    found = calibration(np.array([0.3, 0.6, 0.8, 1.0]), np.array([False, True, False, True]), bins=2)

    assert found.ece == pytest.approx(0.7 / 4)
    assert [(one.low, one.high, one.n) for one in found.bins] == [(0, 0.5, 1), (0.5, 1, 3)]
    assert [one.confidence for one in found.bins] == pytest.approx([0.3, 0.8])
    assert [one.accuracy for one in found.bins] == pytest.approx([0, 2 / 3])


@pytest.mark.slow
def test_it_is_that_of_scikit_learns_curve_in_1_000_random_cases():
    from sklearn.calibration import calibration_curve

    draw = np.random.default_rng(24)
    for _ in range(1_000):
        bins, images = int(draw.integers(1, 21)), int(draw.integers(1, 500))
        confidence = draw.random(images) ** draw.uniform(0.2, 3)
        right = draw.random(images) < draw.random()
        found = calibration(confidence, right, bins)
        accuracies, confidences = calibration_curve(right, confidence, n_bins=bins)
        sizes = np.histogram(confidence, bins, (0, 1))[0]
        weights = sizes[sizes > 0] / images

        assert found.ece == pytest.approx(float(weights @ np.abs(accuracies - confidences)))
        assert [one.accuracy for one in found.bins] == pytest.approx(accuracies.tolist())
        assert [one.confidence for one in found.bins] == pytest.approx(confidences.tolist())
        assert [one.n for one in found.bins] == sizes[sizes > 0].tolist()


@pytest.mark.parametrize(("value", "low"), [(0.0, 0.0), (0.2, 0.0), (0.21, 0.2), (1.0, 0.8)])
def test_an_edge_belongs_to_the_bin_below_it(value, low):
    found = calibration(np.array([value]), np.array([True]), bins=5)

    assert [one.low for one in found.bins] == pytest.approx([low])


def test_the_seeds_answers_may_come_as_a_table():
    draw = np.random.default_rng(0)
    confidence, right = draw.random((3, 50)), draw.random((3, 50)) < 0.5

    assert calibration(confidence, right) == calibration(confidence.ravel(), right.ravel())
    assert sum(one.n for one in calibration(confidence, right).bins) == 150


def test_a_classifier_that_is_right_as_often_as_it_says_has_hardly_an_error():
    draw = np.random.default_rng(24)
    confidence = draw.random(200_000)
    honest = calibration(confidence, draw.random(200_000) < confidence)
    boastful = calibration(np.sqrt(confidence), draw.random(200_000) < confidence)

    assert honest.ece < 0.006
    assert boastful.ece == pytest.approx(2 / 3 - 1 / 2, abs=0.01)  # mean of √u minus mean of u


def test_of_no_answers_there_is_no_error():
    found = calibration(np.array([]), np.array([], dtype=bool))

    assert (found.ece, found.bins) == (0, ())
