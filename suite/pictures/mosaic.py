"""Rows of small arrays as one picture: an axes for each takes ten times as long to draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.floating]
Colours = NDArray[np.uint8]  # (height, width, 3)

GAP, ABOVE, LINE = 4, 20, 14  # pixels between two cells, above a row for its words, and for a line above a cell


@dataclass
class Mosaic:
    """Rows of cells of `cell` × `cell` pixels, at most `columns` of them, with words above a row or a cell."""

    columns: int
    cell: int
    _rows: list[tuple[list[Colours], str, list[str], int]] = field(default_factory=list)

    def add(self, images: Sequence[Colours], words: str = "", names: Sequence[str] = ()) -> None:
        """Add images as one row or more; `words` stand above the first row, `names` above each image."""
        for first in range(0, len(images), self.columns):
            row = [fitted(image, self.cell, self.cell) for image in images[first : first + self.columns]]
            lines = max((name.count("\n") + 1 for name in names), default=0)
            above = (ABOVE if words and not first else GAP) + lines * LINE
            self._rows.append((row, "" if first else words, list(names[first : first + self.columns]), above))

    def add_strip(self, image: Colours, words: str, height: int | None = None) -> None:
        """Add one image that is stretched over a row: a vector or a matrix."""
        wide = min(self.width, image.shape[1] * min(24, max(6, self.width // image.shape[1])))
        stretched = _nearest(image, height or max(ABOVE, min(self.cell * 2, image.shape[0] * 6)), wide)
        self._rows.append(([stretched], words, [], ABOVE if words else GAP))

    @property
    def width(self) -> int:
        """The width in pixels."""
        return self.columns * (self.cell + GAP) - GAP

    @property
    def height(self) -> int:
        """The height in pixels."""
        return sum(above + max(image.shape[0] for image in row) for row, _, _, above in self._rows)

    def draw(self, axes: "Axes", size: float = 7.0) -> None:
        """Draw it on axes, with words of this size in points."""
        pixels = np.full((self.height, self.width, 3), 255, np.uint8)
        top = 0
        plain: dict[str, Any] = {"fontsize": size, "in_layout": False, "parse_math": False}
        for row, words, names, above in self._rows:
            if words:
                axes.text(0, top + ABOVE - 3, words, va="bottom", **plain)
            top += above
            for place, image in enumerate(row):
                left = place * (self.cell + GAP)
                pixels[top : top + image.shape[0], left : left + image.shape[1]] = image
                if names:
                    axes.text(left + self.cell / 2, top - 2, names[place], ha="center", va="bottom", **plain)
            top += max(image.shape[0] for image in row)
        axes.imshow(pixels, interpolation="nearest")
        axes.axis("off")


def signed(values: Floats, limit: float = 0.0) -> Colours:
    """Numbers (height, width) as blue below 0, white at 0, red above; `limit` has the full colour."""
    from matplotlib import colormaps

    most = limit or float(np.abs(values).max()) or 1.0
    return _bytes(colormaps["RdBu_r"](0.5 + np.clip(values / most, -1, 1) / 2))


def scaled(values: Floats, low: float, high: float) -> Colours:
    """Numbers (height, width) from dark blue at `low` to yellow at `high`."""
    from matplotlib import colormaps

    return _bytes(colormaps["viridis"]((values - low) / ((high - low) or 1.0)))


def coloured(values: Floats, limit: float) -> Colours:
    """Weights (3, height, width) of red, green and blue as colours: grey is 0."""
    return _bytes(0.5 + np.clip(values / (limit or 1.0), -1, 1).transpose(1, 2, 0) / 2)


def photograph(pixels: Colours) -> Colours:
    """An image uint8 (channels, height, width): three channels are colours, of others the first is shown in grey."""
    shown = pixels if len(pixels) == 3 else np.repeat(pixels[:1], 3, axis=0)
    return np.ascontiguousarray(shown.transpose(1, 2, 0))


def fitted(image: Colours, height: int, width: int) -> Colours:
    """The image in its proportions in this many pixels, on white; smaller ones keep their square pixels."""
    from PIL import Image

    scale = min(height / image.shape[0], width / image.shape[1])
    high, wide = (max(1, round(side * scale)) for side in image.shape[:2])
    if scale >= 1:
        made = _nearest(image, high, wide)
    else:
        made = np.asarray(Image.fromarray(image).resize((wide, high), Image.Resampling.BOX))
    room = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - high) // 2, (width - wide) // 2
    room[top : top + high, left : left + wide] = made
    return room


def _nearest(image: Colours, height: int, width: int) -> Colours:
    rows, columns = (np.arange(size) * have // size for size, have in zip((height, width), image.shape, strict=False))
    return np.asarray(image[rows][:, columns], np.uint8)


def _bytes(colours: Floats) -> Colours:
    return np.rint(np.clip(colours[..., :3], 0, 1) * 255).astype(np.uint8)
