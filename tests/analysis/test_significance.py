"""McNemar and Holm compared with statsmodels in random cases; votes compared with a count one by one."""

import numpy as np
import pytest

from suite.analysis.significance import holm, mcnemar, votes

CASES = 1_000


@pytest.mark.studies
def test_mcnemar_is_statsmodels_in_1_000_random_cases():
    from statsmodels.stats.contingency_tables import mcnemar as reference

    draw = np.random.default_rng(24)
    for _ in range(CASES):
        m = int(draw.integers(1, 400))
        one, other = draw.random((2, m)) < draw.random((2, 1))
        table = [[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), (~one & ~other).sum()]]
        found = mcnemar(one, other)

        assert (found.only_one, found.only_other) == (table[0][1], table[1][0])
        assert found.p == pytest.approx(min(1, reference(table, exact=True).pvalue), rel=1e-9)


def test_mcnemar_is_scipys_binomial_test_to_the_last_digits():
    from scipy.stats import binomtest

    draw = np.random.default_rng(25)
    cases = [(n, k) for n in range(1, 40) for k in range(n + 1)]
    cases += [(n, int(draw.binomial(n, draw.random()))) for n in draw.integers(40, 9_000, 300).tolist()]
    for n, only_one in cases:
        one = np.arange(n) < only_one

        assert mcnemar(one, ~one).p == pytest.approx(binomtest(only_one, n).pvalue, rel=1e-15, abs=1e-300)


def test_mcnemar_is_the_binomials_two_tails_counted_by_hand():
    one = np.repeat([True, False, True], [5, 1, 10])
    other = np.repeat([False, True, True], [5, 1, 10])

    # 6 images differ; at most one of them is on one side, and there are two sides: 2 × (1 + 6) / 64
    assert mcnemar(one, other).p == pytest.approx(14 / 64)


def test_equal_classifiers_are_not_told_apart():
    same = np.random.default_rng(0).random(100) < 0.9

    assert mcnemar(same, same).p == 1


def test_holm_is_statsmodels_in_1_000_random_cases(monkeypatch):
    from statsmodels.stats.multitest import multipletests

    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels calls it each time; in a full pytest that takes 0.4 s
    draw = np.random.default_rng(24)
    for _ in range(CASES):
        ps = draw.random(int(draw.integers(1, 30))) ** draw.integers(1, 6)
        ps = np.round(ps, int(draw.integers(1, 8)))  # rounded, so that some are equal

        assert holm(ps.tolist()) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


def test_holm_of_hand_counted_ps_and_of_none():
    # sorted 0.01 × 4, 0.02 × 3, 0.03 × 2, 0.6 × 1
    assert holm([0.03, 0.01, 0.6, 0.02]) == pytest.approx([0.06, 0.04, 0.6, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_most_votes_win_and_a_tie_goes_to_the_surer():
    predicted = np.array([[1, 1, 9, 0], [1, 2, 3, 0], [2, 2, 3, 5], [3, 1, 9, 5]], dtype=np.uint8)
    confidence = np.array([[0.4, 0.9, 0.5, 0.0], [0.4, 0.7, 0.9, 0.0], [0.9, 0.8, 0.9, 0.0], [1.0, 0.5, 0.6, 0.0]])

    # By image: 1 has most votes; 1 and 2 have two, 2 is surer (1.5 > 1.4); 3 is surer (1.8 > 1.1); a tie: the lower
    assert votes(predicted, confidence).tolist() == [1, 2, 3, 0]


def test_votes_are_for_any_class():
    predicted = np.array([[300, 65_535, 44], [300, 65_535, 45], [44, 65_279, 300]], np.uint16)

    found = votes(predicted, np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 0.2], [0.9, 0.9, 0.3]], np.float32))

    assert found.tolist() == [300, 65_535, 300]
    assert found.dtype == np.uint16


@pytest.mark.parametrize("seed", range(5))
def test_votes_are_those_counted_one_by_one(seed):
    draw = np.random.default_rng(seed)
    predicted = draw.integers(0, 10, (6, 500)).astype(np.uint8)
    confidence = draw.random((6, 500)).astype(np.float32)

    def counted(image):
        chosen = predicted[:, image].tolist()
        return max(
            set(chosen), key=lambda one: (chosen.count(one), confidence[predicted[:, image] == one, image].sum())
        )

    found = votes(predicted, confidence)

    assert found.dtype == np.uint8
    assert found.tolist() == [counted(image) for image in range(500)]
