"""Flips: which images one recipe has right and another has not, by the votes of the seeds."""

from dataclasses import replace

import numpy as np

from suite.analysis.comparison import Answers
from suite.analysis.flips import Flip, flipped, flips
from suite.analysis.significance import mcnemar, votes

LABELS = np.array([0, 1, 2, 0])
ONE = Answers("a", (0, 1, 2), np.array([[0, 1, 0, 1], [0, 1, 2, 1], [0, 2, 0, 0]]), np.ones((3, 4), np.float32), LABELS)
OTHER = replace(ONE, title="b", predicted=np.array([[1, 1, 2, 1], [1, 1, 2, 1], [1, 1, 2, 1]]))


def test_flips_are_in_both_directions_with_what_each_says_and_how_many_seeds_are_right():
    assert flips(ONE, OTHER) == [
        Flip(image=0, label=0, one_says=0, other_says=1, one_right=1.0, other_right=0.0),
        Flip(image=2, label=2, one_says=0, other_says=2, one_right=1 / 3, other_right=1.0),
    ]
    assert [flip.gained for flip in flips(ONE, OTHER)] == [True, False]
    assert [flip.image for flip in flips(OTHER, ONE)] == [2, 0]
    assert flips(ONE, ONE) == []


def test_there_are_as_many_as_mcnemars_test_counts():
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 10, 500)
    one, other = (
        Answers(name, (0, 1, 2), np.where(draw.random((3, 500)) < share, labels, 0),
                draw.random((3, 500)).astype(np.float32), labels)
        for name, share in (("a", 0.6), ("b", 0.5))
    )  # fmt: skip
    right = [votes(each.predicted, each.confidence) == labels for each in (one, other)]
    counted = mcnemar(*right)
    found = flipped([(one, other)])

    assert [(a, b) for a, b, _ in found] == [("a", "b")] * len(found)
    assert sum(flip.gained for *_, flip in found) == counted.only_one > 0
    assert sum(not flip.gained for *_, flip in found) == counted.only_other > 0
