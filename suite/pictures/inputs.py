"""Pictures beside what a network saw of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.data.own.pictures import header, pixels
from suite.pictures.canvas import GREY, new_figure
from suite.pictures.sheet import brief

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS, MOST = 4, 100  # pairs in a row, and in all
THUMBNAIL = 200  # pixels

Row = tuple[Path, NDArray[np.uint8], str, float]


def inputs(run: str, rows: Sequence[Row]) -> "Figure":
    """Each picture, and beside it the network's input uint8 (channels, height, width) with the class it was given.

    A row is (file, input, class, probability). Only the first `MOST` are drawn.
    """
    drawn = rows[:MOST]
    columns = min(COLUMNS, len(drawn))
    high = -(-len(drawn) // columns)
    figure, axes = new_figure(2.9 * columns, 1.75 * high + 0.3, rows=high, columns=2 * columns)
    left_out = f"; {len(rows) - MOST:,} more were not drawn" if len(rows) > MOST else ""
    figure.suptitle(f"What {run} saw{left_out}", fontsize=10, fontweight="bold", parse_math=False)
    for one in axes:
        one.grid(visible=False)
        one.set(xticks=[], yticks=[])
        one.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    for one in axes[2 * len(drawn) :]:
        one.axis("off")
    for number, (path, given, name, probability) in enumerate(drawn):
        whole, seen = axes[2 * number : 2 * number + 2]
        whole.imshow(_thumbnail(path))
        whole.set_title(brief(path.name), fontsize=7, fontweight="normal", parse_math=False)
        if len(given) == 3:
            seen.imshow(given.transpose(1, 2, 0))
        else:
            seen.imshow(given[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        seen.set_title(f"{brief(name)}  {probability:.3f}", fontsize=8, parse_math=False)
    return figure


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    """The picture, upright and small, uint8 (height, width, 3)."""
    found = header(path)
    share = min(1.0, THUMBNAIL / max(found.height, found.width))
    height, width = (max(1, round(side * share)) for side in (found.height, found.width))
    return pixels(path, (3, height, width), "white").transpose(1, 2, 0)
