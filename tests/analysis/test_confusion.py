"""The matrix, the figures by class and the pairs, against a count by hand and against scikit-learn."""

import numpy as np
import pytest

from suite.analysis.confusion import by_class, confused_pairs, confusion

NAMES = ("cat", "dog", "fox")
#             true:     cat, cat, cat, cat, dog, dog, dog, fox
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 2, 1, 0, 0, 1])
MATRIX = np.array([[2, 1, 1], [2, 1, 0], [0, 1, 0]])


def drawn(seed, images=2_000):
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, images)
    guessed = draw.integers(0, 10, images)
    return labels, np.where(draw.random(images) < 0.6, labels, guessed)


def test_rows_are_the_true_classes_and_columns_the_predicted_ones():
    assert confusion(LABELS, PREDICTED, 3).tolist() == MATRIX.tolist()


def test_small_unsigned_labels_do_not_overflow():
    labels = np.full(300, 9, dtype=np.uint8)
    matrix = confusion(labels, labels)

    assert matrix.shape == (10, 10)
    assert matrix[9, 9] == 300 == matrix.sum()


def test_no_images_make_a_matrix_of_zeros():
    nothing = np.array([], dtype=np.uint8)

    assert confusion(nothing, nothing).tolist() == np.zeros((10, 10)).tolist()


def test_figures_by_class_are_those_counted_by_hand():
    cat, dog, fox = by_class(MATRIX.astype(float), NAMES)

    assert (cat.name, cat.images) == ("cat", 4)
    assert (cat.precision, cat.recall, cat.f1) == (2 / 4, 2 / 4, 4 / 8)
    assert (dog.precision, dog.recall, dog.f1) == (1 / 3, 1 / 3, 2 / 6)
    assert (fox.images, fox.precision, fox.recall, fox.f1) == (1, 0, 0, 0)


def test_a_class_that_is_never_true_and_never_predicted_has_figures_of_zero():
    figures = by_class(np.zeros((3, 3)), NAMES)

    assert [(one.images, one.precision, one.recall, one.f1) for one in figures] == [(0, 0, 0, 0)] * 3


@pytest.mark.parametrize("seed", range(5))
def test_figures_by_class_are_scikit_learns(seed):
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    labels, predicted = drawn(seed)
    matrix = confusion(labels, predicted)
    figures = by_class(matrix, "0123456789")
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted)

    assert matrix.tolist() == confusion_matrix(labels, predicted).tolist()
    np.testing.assert_allclose([one.precision for one in figures], precision, rtol=1e-12)
    np.testing.assert_allclose([one.recall for one in figures], recall, rtol=1e-12)
    np.testing.assert_allclose([one.f1 for one in figures], f1, rtol=1e-12)
    assert [one.images for one in figures] == support.tolist()


def test_the_pairs_come_with_both_cells_and_the_most_confused_first():
    pairs = confused_pairs(MATRIX.astype(float), NAMES)

    assert [(pair.one, pair.other, pair.one_as_other, pair.other_as_one, pair.total) for pair in pairs] == [
        ("cat", "dog", 1, 2, 3),
        ("cat", "fox", 1, 0, 1),
        ("dog", "fox", 0, 1, 1),
    ]


def test_no_more_pairs_are_given_than_asked_for_and_each_once():
    labels, predicted = drawn(7)
    matrix = confusion(labels, predicted)
    everything = confused_pairs(matrix, "0123456789", most=100)

    assert len(everything) == 45
    assert len({frozenset((pair.one, pair.other)) for pair in everything}) == 45
    assert sum(pair.total for pair in everything) == (labels != predicted).sum()
    assert confused_pairs(matrix, "0123456789") == everything[:5]
