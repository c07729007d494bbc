"""The matrix, the figures by class and the confused pairs: counted by hand and compared with scikit-learn."""

import numpy as np
import pytest

from suite.analysis.confusion import by_class, changed_cells, confused_pairs, confusion, spread
from suite.analysis.intervals import wilson

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


@pytest.mark.studies
def test_figures_by_class_are_scikit_learns_in_1_000_random_cases():
    from sklearn.metrics import precision_recall_fscore_support

    draw = np.random.default_rng(24)
    for _ in range(1_000):
        classes, images = int(draw.integers(2, 6)), int(draw.integers(1, 80))
        labels, predicted = draw.integers(0, classes, (2, images))
        figures = by_class(confusion(labels, predicted, classes), "abcdef"[:classes])
        expected = precision_recall_fscore_support(labels, predicted, labels=range(classes), zero_division=0)

        assert [one.precision for one in figures] == pytest.approx(expected[0].tolist())
        assert [one.recall for one in figures] == pytest.approx(expected[1].tolist())
        assert [one.f1 for one in figures] == pytest.approx(expected[2].tolist())


def test_the_intervals_are_wilsons_of_what_was_predicted_and_what_was_true():
    cat, _, fox = by_class(MATRIX.astype(float), NAMES)

    assert (cat.precision_interval, cat.recall_interval) == (wilson(2, 4), wilson(2, 4))
    assert fox.recall_interval == wilson(0, 1)
    assert cat.f1_interval.low < cat.f1 < cat.f1_interval.high
    # J is 2 of the 6 images that are cats or are called cats; f1 = 2 J / (1 + J), so its ends come from Wilson's for J
    assert cat.f1_interval.high == pytest.approx(2 * wilson(2, 6).high / (1 + wilson(2, 6).high))


def test_a_mean_over_seeds_has_the_interval_of_one_seeds_images():
    one = by_class(MATRIX.astype(float), NAMES)
    mean, _ = spread(np.stack([MATRIX] * 5).astype(float))

    assert by_class(mean, NAMES) == one


def test_the_interval_of_f1_covers_the_truth(figure):
    """300 images are drawn from a known matrix of shares."""
    draw = np.random.default_rng(24)
    shares = np.array([[0.4, 0.06, 0.04], [0.08, 0.2, 0.02], [0.01, 0.04, 0.15]])
    truth = [one.f1 for one in by_class(shares, NAMES)]
    drawn_matrices = draw.multinomial(300, shares.ravel(), 2_000).reshape(-1, 3, 3).astype(float)
    found = [[one.f1_interval for one in by_class(matrix, NAMES)] for matrix in drawn_matrices]
    covered = [np.mean([row[k].low <= truth[k] <= row[k].high for row in found]) for k in range(3)]
    figure("F1's interval, 300 images: covers " + ", ".join(f"{share:.1%}" for share in covered) + " by class")

    assert min(covered) >= 0.93
    assert max(covered) <= 0.97


def test_the_spread_is_that_of_each_cell():
    mean, deviation = spread(np.array([[[1.0, 2.0]], [[3.0, 2.0]]]))

    assert mean.tolist() == [[2, 2]]
    assert deviation == pytest.approx(np.array([[np.sqrt(2), 0]]))
    assert np.isnan(spread(np.ones((1, 2, 2)))[1]).all()


def seeds_matrices(draw, n, *, images=200, classes=10, moved=0.0):
    """Matrices of n seeds in which most images are right. The share `moved` of class 3 is predicted as class 5."""
    shares = np.full((classes, classes), 0.1 / (classes - 1)) * (np.arange(classes) % 3 == 0)
    shares[np.diag_indices(classes)] = 0
    luck = np.exp(draw.normal(0, 0.3, (n, 1, 1)))
    rows = np.broadcast_to(shares * luck, (n, classes, classes)).copy()
    rows[:, 3, 5] += moved
    rows[:, range(classes), range(classes)] = 1 - rows.sum(axis=2)
    return np.array([[draw.multinomial(images, row) for row in matrix] for matrix in rows]).astype(float)


@pytest.mark.parametrize("n", [3, 5])
def test_equal_experiments_have_changed_cells_in_5_of_100_cases_at_most(n, figure):
    draw = np.random.default_rng(24)
    wrong = np.mean([bool(changed_cells(seeds_matrices(draw, n), seeds_matrices(draw, n))) for _ in range(500)])
    figure(f"changed cells, A/A, {n} seeds, 100 cells: {wrong:.1%} of 500 name any")

    assert wrong <= 0.05


def test_the_cells_that_changed_are_named_the_surest_first():
    draw = np.random.default_rng(24)
    found = changed_cells(seeds_matrices(draw, 5, moved=0.3), seeds_matrices(draw, 5))

    assert {(cell.true, cell.predicted) for cell in found} == {(3, 5), (3, 3)}
    assert [cell.p for cell in found] == sorted(cell.p for cell in found)
    taken = next(cell for cell in found if cell.predicted == 5)
    assert taken.one == pytest.approx(60, abs=10)
    assert taken.other == 0


@pytest.mark.parametrize(("n", "moved"), [(3, 0.4), (5, 0.1)])
def test_a_change_that_is_large_for_so_few_seeds_is_mostly_seen(n, moved, figure):
    draw = np.random.default_rng(24)
    found = [changed_cells(seeds_matrices(draw, n, moved=moved), seeds_matrices(draw, n)) for _ in range(100)]
    seen = np.mean([any((cell.true, cell.predicted) == (3, 5) for cell in cells) for cells in found])
    figure(f"changed cells, {n} seeds: {moved:.0%} of a class moved is seen in {seen:.0%} of 100")

    assert seen >= 0.8


def test_cells_that_are_equal_under_every_seed_have_not_changed():
    same = np.stack([MATRIX] * 3).astype(float)

    assert changed_cells(same, same) == []


def test_two_seeds_are_too_few_for_changed_cells():
    with pytest.raises(ValueError, match="at least 3 seeds"):
        changed_cells(np.zeros((2, 3, 3)), np.zeros((3, 3, 3)))
