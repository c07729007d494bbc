"""Parts of the page that are not pictures: a confusion matrix as a table, and the layers as boxes, as HTML text."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suite.pictures.vector import words

if TYPE_CHECKING:
    from suite.analysis.confusion import Matrix

SHADES = 9
MOST = 25  # classes with a cell each; more are a picture, because a table of them would be as wide as a wall


def matrix(counts: "Matrix", classes: Sequence[str], says: str) -> str:
    """The counts with the share of the true class as a shade, by its square root, so that rare ones can be seen too."""
    heads = "".join(f'<th scope="col">{words(name)}</th>' for name in classes)
    body = []
    for row, name in zip(counts, classes, strict=True):
        whole = max(float(row.sum()), 1.0)
        cells = "".join(_cell(float(count), float(count) / whole) for count in row)
        body.append(f'<tr><th scope="row">{words(name)}</th>{cells}</tr>')
    head = f'<thead><tr><td class="corner">true ↓ predicted →</td>{heads}</tr></thead>'
    table = f'<table class="matrix" aria-label="{words(says)}">{head}<tbody>{"".join(body)}</tbody></table>'
    return f'<div class="wide" tabindex="0" role="region" aria-label="{words(says)}">{table}</div>'


def _cell(count: float, share: float) -> str:
    shade = math.ceil(SHADES * math.sqrt(share) - 1e-9)
    shown = f"{count:.1f}".removesuffix(".0") if count else ""
    return f'<td class="s{shade}">{shown}</td>' if shade else f"<td>{shown}</td>"


def boxes(layers: Sequence[Mapping[str, Any]], image: Sequence[object]) -> str:
    """The layers in the order of execution: kind, output shape, parameters. They wrap where the page is narrow."""
    steps: list[Mapping[str, Any]] = [{"kind": "image", "shape": "×".join(map(str, image)), "parameters": 0}, *layers]
    return f'<ol class="layers">{"".join(_box(one) for one in steps if one["shape"])}</ol>'


def _box(one: Mapping[str, Any]) -> str:
    kind = re.split(r"[(,]", str(one["kind"]))[0]
    weights = f"<i>{one['parameters']:,}</i>" if one["parameters"] else ""
    said = f"<strong>{words(kind)}</strong> <span>{words(one['shape'])}</span>{weights}"
    return f"<li{' class=own' if weights else ''}>{said}</li>"
