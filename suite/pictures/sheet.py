"""Many small images as one picture, with room for words above each: an axes for each takes ten times as long."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST = 12  # letters of a class's name above an image
USUAL = 28  # pixels; the room for words is given for images of this size, and larger ones get more


@dataclass(frozen=True)
class Sheet:
    """The pixels, uint8 (height, width) or (height, width, 3), and for each image where its words end: (x, y)."""

    pixels: NDArray[np.uint8]
    places: list[tuple[float, float]]


def lay_out(images: NDArray[np.uint8], columns: int, *, cell: int, above: int) -> Sheet:
    """The images uint8 (n, channels, height, width) in rows of `columns`, on white.

    `cell` is the height of a cell for images of 28 pixels, of which `above` pixels are above the image. Three channels
    are red, green and blue; of any other number the first is shown, with ink for high values.
    """
    count, channels, high, wide = images.shape
    unit = max(high, wide) / USUAL
    height, width = high + round((cell - USUAL) * unit), wide + 2 * round(9 * unit)
    rows, colours = -(-count // columns), (3,) if channels == 3 else ()
    pixels = np.full((rows * height, columns * width, *colours), 255 if colours else 0, np.uint8)
    places = []
    for index, image in enumerate(images):
        top, left = index // columns * height + round(above * unit), index % columns * width + round(9 * unit)
        pixels[top : top + high, left : left + wide] = image.transpose(1, 2, 0) if colours else image[0]
        places.append((left + wide / 2, top - 2 * unit))
    return Sheet(pixels, places)


def brief(name: str) -> str:
    """The name of a class, cut so that it fits above an image."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
