"""Pictures beside what a network saw of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.pictures.canvas import new_figure
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
    from PIL import Image

    drawn = rows[:MOST]
    columns = min(COLUMNS, len(drawn))
    high = -(-len(drawn) // columns)
    figure, axes = new_figure(2.9 * columns, 1.75 * high + 0.3, rows=high, columns=2 * columns)
    left_out = f"; {len(rows) - MOST:,} more were not drawn" if len(rows) > MOST else ""
    figure.suptitle(f"What {run} saw{left_out}", fontsize=10, fontweight="bold", parse_math=False)
    for one in axes:
        one.axis("off")
    for number, (path, pixels, name, probability) in enumerate(drawn):
        whole, seen = axes[2 * number : 2 * number + 2]
        with Image.open(path) as image:
            image.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
            small = image.convert("RGBA")
            small.thumbnail((THUMBNAIL, THUMBNAIL))
        whole.imshow(np.asarray(small))
        whole.set_title(brief(path.name), fontsize=7, fontweight="normal", parse_math=False)
        if len(pixels) == 3:
            seen.imshow(pixels.transpose(1, 2, 0))
        else:
            seen.imshow(pixels[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        seen.set_title(f"{brief(name)}  {probability:.3f}", fontsize=8, parse_math=False)
    return figure
