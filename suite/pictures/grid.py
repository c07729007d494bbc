"""A confusion matrix of many classes as a part of the page: an image of its shares, and the counts that it is made of.

The counts are in an attribute of the drawing, as few letters as possible; the page's script says those under the mouse.
"""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from suite.pictures import vector
from suite.pictures.runs import MOST_NAMED, pooled

if TYPE_CHECKING:
    from suite.analysis.confusion import Matrix

SIDE, EDGE = 600, 130  # of the square of all classes, and the room for their names
MOST_KEPT = 20_000  # cells whose counts are on the page: the largest ones
COLOUR = (59, 130, 196)  # readable on white and on black; the share of the true class is its opacity
DIGITS = 24  # letters of a name


def grid(counts: "Matrix", classes: Sequence[str], says: str) -> str:
    """The matrix, true class by row and predicted class by column; the shade goes by the square root of the share."""
    n = len(classes)
    room, right = (EDGE, EDGE // 2) if n <= MOST_NAMED else (30, 4)
    size = f'x="{room}" y="{room}" width="{SIDE}" height="{SIDE}"'
    image = f'<image {size} preserveAspectRatio="none" href="data:image/png;base64,{_shares(counts)}"/>'
    frame = f'<rect class="z" {size}/><rect class="on" width="0" height="0" hidden=""/>'
    head = vector.text(4, 14, "true class by row, predicted class by column", kind="t")
    cells, least = _kept(counts)
    facts = {
        "names": "\n".join(" ".join(name.split()) for name in classes),
        "cells": cells,
        "images": _row_sums(counts),
        "least": least,
    }
    data = "".join(f' data-{name}="{vector.words_of_many(value)}"' for name, value in facts.items())
    parts = [head, *(_names(classes, room) if n <= MOST_NAMED else []), f"<g{data}>{image}{frame}</g>"]
    return vector.drawing(room + SIDE + right, room + SIDE + 4, says, parts, kind="grid")


def _shares(counts: "Matrix") -> str:
    """A PNG of the shares as opacities of one colour, base64."""
    from PIL import Image

    shares, _ = pooled(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    levels = np.rint(np.sqrt(shares) * 31).astype(np.uint8)
    image = Image.fromarray(levels, "P")
    image.putpalette(COLOUR * 32)
    file = io.BytesIO()
    image.save(file, "png", optimize=True, transparency=bytes(round(255 * level / 31) for level in range(32)))
    return base64.b64encode(file.getvalue()).decode()


def _kept(counts: "Matrix") -> tuple[str, str]:
    """The largest counts as `row column count` without what repeats, and the least of them where others are left out.

    `3:7 12 4 1.5;9:…` is class 3: 12 images as class 7, 1.5 as the class 4 after it.
    """
    places = np.argwhere(counts)
    least = ""
    if len(places) > MOST_KEPT:
        values = counts[tuple(places.T)]
        order = np.argsort(-values, kind="stable")[:MOST_KEPT]
        least = _short(float(values[order[-1]]))
        places = places[np.sort(order)]
    rows = []
    for row in np.unique(places[:, 0]):
        columns = places[places[:, 0] == row, 1]
        steps = np.diff(columns, prepend=0)
        told = (f"{step} {_short(float(counts[row, at]))}" for step, at in zip(steps, columns, strict=True))
        rows.append(f"{row}:{' '.join(told)}")
    return ";".join(rows), least


def _short(count: float) -> str:
    return f"{count:.1f}".removesuffix(".0")


def _row_sums(counts: "Matrix") -> str:
    """The images of each class; one number where all classes have as many."""
    sums = [_short(float(one)) for one in counts.sum(axis=1)]
    return sums[0] if len(set(sums)) == 1 else " ".join(sums)


def _names(classes: Sequence[str], room: float) -> list[str]:
    """The names of the classes beside the rows and above the columns."""
    step = SIDE / len(classes)
    parts = []
    for number, name in enumerate(classes):
        middle, said = room + (number + 0.5) * step, vector.short(name, DIGITS)
        parts.append(vector.text(room - 5, middle + 3, said, kind="n", anchor="end"))
        parts.append(vector.text(middle + 3, room - 5, said, kind="n", turn=-60))
    return parts
