"""How the suite phrases things."""

import pytest

from suite.text import nearest, plural, shown

KNOWN = ("cnn", "cnn_one_epoch", "lenet", "lenet_avgpool", "lenet_gaussian", "mlp")


def test_a_near_word_is_offered():
    assert nearest("mpl", KNOWN) == "; did you mean mlp?"


def test_at_most_three_near_words_are_offered_the_nearest_first():
    assert nearest("lenet_avg", KNOWN) == "; did you mean lenet_avgpool or lenet or lenet_gaussian?"


@pytest.mark.parametrize("word", ["", "zzz", "🙂", "x" * 1_000])
def test_nothing_is_offered_where_nothing_is_near(word):
    assert nearest(word, KNOWN) == "."


def test_nothing_is_offered_where_nothing_is_known():
    assert nearest("lenet", ()) == "."


@pytest.mark.parametrize(("count", "words"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (60_000, "60,000 runs")])
def test_only_one_is_singular(count, words):
    assert plural(count, "run") == words


@pytest.mark.parametrize("value", ["f0" * 32, {"MKL_CBWR": "COMPATIBLE"}, None, 1])
def test_a_value_is_shown_whole_and_without_quotes(value):
    assert shown(value) == str(value)


def test_a_long_value_shows_that_it_is_cut():
    assert shown("x" * 81) == "x" * 80 + "..."
