"""The images that most seeds of most experiments get wrong, counted by hand."""

import numpy as np
import pytest

from suite.analysis.hardest import Hard, hardest

LABELS = np.array([0, 1, 2, 3])
#                      image: 0  1  2  3
PREDICTED = np.array([
    [0, 2, 9, 3],  # a
    [0, 2, 9, 9],  # a
    [0, 1, 8, 9],  # a
    [5, 7, 9, 3],  # b
], dtype=np.uint8)  # fmt: skip


def test_the_hardest_come_first_with_what_they_are_taken_for():
    found = hardest(PREDICTED, LABELS, ["a", "a", "a", "b"])

    # Image 1 is wrong for 2 of 3 seeds of a and the one of b. Images 0 and 3 are hard for only half of the experiments.
    assert [(one.image, one.label, one.experiments) for one in found] == [(2, 2, 2), (1, 1, 2)]
    assert [one.share for one in found] == pytest.approx([1, (2 / 3 + 1) / 2])
    assert [one.taken_for for one in found] == [9, 7]


def test_an_experiment_with_more_seeds_counts_no_more_than_another():
    many = np.concatenate([np.repeat(PREDICTED[:1], 50, axis=0), PREDICTED[3:], PREDICTED[3:]])

    found = hardest(many, LABELS, ["a"] * 50 + ["b", "c"])

    assert found == [Hard(1, 1, 1.0, 7, 3), Hard(2, 2, 1.0, 9, 3), Hard(0, 0, pytest.approx(2 / 3), 5, 2)]


def test_no_more_are_given_than_asked_for():
    assert len(hardest(PREDICTED, LABELS, ["a", "a", "a", "b"], most=1)) == 1


def test_where_all_are_right_none_is_hard():
    assert hardest(np.stack([LABELS] * 3), LABELS, ["a", "a", "b"]) == []


def test_images_that_are_planted_are_found_among_10_000():
    draw = np.random.default_rng(24)
    labels = draw.integers(0, 10, 10_000)
    predicted = np.where(draw.random((15, 10_000)) < 0.92, labels, (labels + draw.integers(1, 10, 10_000)) % 10)
    planted = draw.choice(10_000, 12, replace=False)
    predicted[:, planted] = (labels[planted] + 3) % 10

    found = hardest(predicted, labels, [run // 5 for run in range(15)], most=12)

    assert {one.image for one in found} == set(planted.tolist())
    assert all(one.taken_for == (one.label + 3) % 10 and one.share == pytest.approx(1) for one in found)
