"""Our own charts: every value lies where it belongs and is said, no word of a record becomes markup."""

import math
import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest

from suite.pictures.charts import LEFT, RIGHT, WIDTH, Axes, Line, Series, Value, lines, rows
from suite.pictures.scales import around

NASTY = "<script>alert(1)</script> \"'&amp; \x1b[31m $x$"


def read(svg):
    """The tags of a drawing. What is no well-formed XML raises an error."""
    return ElementTree.fromstring(svg)


def circles(svg):
    """(x, y, words) of every mark."""
    return [(float(one.get("cx")), float(one.get("cy")), one.findtext("title")) for one in read(svg).iter("circle")]


@pytest.mark.parametrize("log", [False, True])
def test_every_scale_names_two_to_eight_round_values_within_it(log):
    draw = np.random.default_rng(5)
    for _ in range(1_000):
        ends = sorted(10 ** draw.uniform(-4, 6, 2)) if log else sorted(draw.normal(0, 10 ** draw.uniform(-4, 6), 2))
        scale = around(ends, 0, 100, log=log)
        ticks = scale.ticks()
        values = [float(words.replace(",", "").replace("−", "-")) for _, words in ticks]

        assert 2 <= len(ticks) <= 8, ends
        assert all(-1e-6 <= scale.at(value) <= 100 + 1e-6 for value, _ in ticks)
        assert values == pytest.approx([value for value, _ in ticks], rel=1e-6, abs=1e-9 * (ends[1] - ends[0]))


@pytest.mark.parametrize("ends", [[], [0.5], [0.5, 0.5], [math.nan, 1.0], [math.inf, 2.0], [0.0, 0.0], [1e300, 1.0]])
@pytest.mark.parametrize("log", [False, True])
def test_no_values_make_a_scale_fail(ends, log):
    scale = around(ends, 0, 100, log=log)

    assert scale.low < scale.high
    assert len(scale.ticks()) >= 2


def test_epochs_have_whole_names():
    assert [words for _, words in around([0, 1], 0, 100, whole=True).ticks()] == ["0", "1"]
    assert [words for _, words in around([0, 24], 0, 100, whole=True).ticks()] == ["0", "5", "10", "15", "20"]


def test_the_marks_of_rows_lie_in_order_and_within_their_intervals():
    svg = rows("Accuracy", [
        Line("low", 0, [Value(0.2, "0.2, n 3")], inner=(0.1, 0.3), outer=(0.05, 0.35)),
        Line("high", 1, [Value(0.8, "0.8, n 3"), Value(0.9, "published 0.9", "x")], inner=(0.7, 0.9)),
    ])  # fmt: skip
    (low, _, said), (high, _, _), (published, _, _) = circles(svg)
    inner = [one for one in read(svg).iter("line") if one.get("class") == "i"]

    assert said == "0.2, n 3"
    assert 0 < low < high < published < WIDTH
    assert published == float(inner[1].get("x2"))
    assert float(inner[0].get("x1")) < low < float(inner[0].get("x2"))
    assert [one.get("data-of") for one in read(svg).iter("g")] == ["0", "1"]


def test_a_line_has_its_band_its_seeds_and_words_at_each_mark():
    series = Series("lenet", 2, [(0, 0.5, "epoch 0: 0.5"), (1, 0.7, "")], seeds=[[(0, 0.4), (1, 0.6)]],
                    band=[(0, 0.4, 0.6), (1, 0.6, 0.8)], crosses=[(1, 0.75, "published")])  # fmt: skip
    svg = lines("Accuracy", [series], Axes("epoch", "accuracy", whole=True))
    kinds = [one.get("class") for one in read(svg).iter("path")]

    assert kinds == ["b", "s", "l", "x"]
    assert [(x, said) for x, _, said in circles(svg)] == [(LEFT, "epoch 0: 0.5"), (WIDTH - RIGHT, "published")]
    assert "lenet" in [one.text for one in read(svg).iter("text")]


def test_values_that_cannot_be_drawn_are_left_out():
    series = Series("lenet", 0, [(0, math.nan, "lost"), (1, 0.7, "kept"), (0, 0.7, "no place on a logarithmic axis")])
    svg = lines("Accuracy", [series], Axes("seconds", "accuracy", log=True))
    line = rows("Accuracy", [Line("lenet", 0, [Value(math.nan, "lost")], inner=(math.nan, 0.3))])

    assert [said for _, _, said in circles(svg)] == ["kept"]
    assert circles(line) == []
    assert "nan" not in re.sub("<title>.*?</title>", "", svg + line)


def test_no_word_becomes_markup_and_every_word_is_read():
    both = (
        rows(NASTY, [Line(NASTY, 0, [Value(1, NASTY)])]),
        lines(NASTY, [Series(NASTY, 0, [(1, 1, NASTY)])], Axes(NASTY, NASTY)),
    )
    for svg in both:
        assert {one.tag for one in read(svg).iter()} <= {"svg", "g", "text", "line", "path", "circle", "title"}
        assert "<script>alert(1)</script>" in unescape(svg)
        assert "\x1b" not in svg


def test_a_title_in_any_language_is_words_and_not_a_picture_of_them():
    svg = rows("手写数字", [Line("卷积网络", 0, [Value(0.9, "0.9")])])

    assert [one.text for one in read(svg).iter("text") if not one.get("class")] == ["卷积网络"]
