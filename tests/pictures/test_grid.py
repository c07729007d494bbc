"""A confusion matrix of many classes on the page: its counts come back out of the few letters that hold them."""

import base64
import io
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image

from suite.pictures import grid as drawing
from suite.pictures.grid import grid


def told(drawn):
    """The counts of a drawing, by row and column, as the page's script reads them; and its other attributes."""
    facts = {name: unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', drawn)}
    found = {}
    for line in filter(None, facts["cells"].split(";")):
        row, _, rest = line.partition(":")
        column, words = 0, rest.split(" ")
        for step, count in zip(words[::2], words[1::2], strict=True):
            column += int(step)
            found[int(row), column] = float(count)
    return found, facts


@pytest.mark.parametrize("classes", [26, 61, 300])
def test_every_count_comes_back(classes):
    draw = np.random.default_rng(classes)
    counts = np.round(draw.random((classes, classes)) * 40, 1) * (draw.random((classes, classes)) < 0.05)
    names = [f"<kind> {number}\n&" for number in range(classes)]

    drawn = grid(counts, names, "a & b")
    found, facts = told(drawn)

    assert found == {(int(i), int(j)): counts[i, j] for i, j in np.argwhere(counts)}
    assert facts["names"].split("\n") == [f"<kind> {number} &" for number in range(classes)]
    assert [float(one) for one in facts["images"].split()] == pytest.approx(counts.sum(1), abs=0.051)
    assert facts["least"] == ""
    assert 'aria-label="a &amp; b"' in drawn
    assert "<kind>" not in drawn
    assert (">&lt;kind&gt; 0" in drawn) == (classes <= 60)


def test_of_too_many_counts_the_largest_are_kept_and_the_least_of_them_is_said(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_KEPT", 40)
    counts = np.arange(900.0).reshape(30, 30)

    found, facts = told(grid(counts, list(map(str, range(30))), "many"))

    assert sorted(found.values()) == [*range(860, 900)]
    assert facts["least"] == "860"


def test_the_shades_are_the_shares_of_the_true_class():
    counts = np.zeros((30, 30))
    counts[0, 0], counts[1, 0], counts[1, 1] = 7, 1, 3

    [text] = re.findall(r'base64,([^"]+)"', grid(counts, list(map(str, range(30))), "some"))
    opacity = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))[..., 3] / 255

    assert opacity[:2, :2] == pytest.approx(np.array([[1, 0], [0.5, 0.75**0.5]]), abs=0.02)
    assert opacity[2:].max() == 0
