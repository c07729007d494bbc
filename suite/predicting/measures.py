"""Measures of grey images with ink on a plain background: polarity, range, margins. And what is usual in training."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]  # (n, height, width)
Floats = NDArray[np.float64]

SAMPLE = 2_000  # training images that are measured, evenly spaced
FAINT = 8  # levels of grey: less contrast is no ink
NEAR = 32  # levels of grey between the pixels of a border that is plain
PLAIN = 0.75  # share of the border that must be near its median
FULL = 50  # a row or column has ink if it has at least 1/50 of the fullest one's: dust does not count
SLACK = 1.0  # pixels beyond what was seen in training


class Measures(NamedTuple):
    """Of n images, each (n,), `mass` and `box` (n, 2) in pixels down and across from the middle of the image.

    `background` is the border's median; `sign` is 1 for ink that is lighter, -1 for darker; `contrast` is the largest
    difference from the background; `plain` is the share of the border that is near its median. `length` is the longer
    side of the ink's box in pixels. `mass` is the ink's centre of mass, and `box` the middle of its box.
    """

    background: Floats
    sign: Floats
    contrast: Floats
    plain: Floats
    length: Floats
    mass: Floats
    box: Floats

    @property
    def low(self) -> Floats:
        """The darker end of the range from background to ink."""
        return np.minimum(self.background, self.background + self.sign * self.contrast)


class Range(NamedTuple):
    """The smallest and the largest usual value, and the one in the middle."""

    low: float
    middle: float
    high: float

    def has(self, value: float, slack: float) -> bool:
        """Whether a value is usual, or beyond that by no more than `slack`."""
        return self.low - slack <= value <= self.high + slack


@dataclass(frozen=True)
class Usual:
    """What is usual in the training images; None stands for all of it where they have no plain background.

    `centre` says what lies in the same place in all of them: the `mass` of the ink, or its `box`.
    """

    background: float
    sign: float
    contrast: Range
    length: Range
    centre: str
    down: Range
    across: Range


def measured(images: Images) -> Measures:
    """The measures of images; of an image without ink all but the background are 0."""
    pixels = images.astype(np.float64)
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    background = np.median(border, axis=1)
    away = pixels - background[:, None, None]
    lighter, darker = away.max((1, 2)), -away.min((1, 2))
    sign = np.where(lighter >= darker, 1.0, -1.0)
    inked = ink(pixels, background[:, None, None], sign[:, None, None])
    contrast = inked.max((1, 2))
    weight = np.where(inked > contrast[:, None, None] / 4, inked, 0)
    (top, bottom), (left, right) = (sides(inked, axis) for axis in (2, 1))
    height, width = images.shape[1:]
    middles = np.stack([(top + bottom - height) / 2, (left + right - width) / 2], axis=1)
    total = np.maximum(weight.sum((1, 2)), 1e-9)
    mass = [
        (weight.sum(axis) * (np.arange(size) - (size - 1) / 2)).sum(1) / total
        for axis, size in ((2, height), (1, width))
    ]
    return Measures(
        background,
        sign,
        contrast,
        (np.abs(border - background[:, None]) <= NEAR).mean(1),
        np.maximum(bottom - top, right - left).astype(np.float64),
        np.stack(mass, axis=1),
        middles,
    )


def ink(pixels: Floats, background: Floats, sign: Floats) -> Floats:
    """How far each pixel is from the background, in the direction of the ink; 0 on the other side."""
    return np.maximum((pixels - background) * sign, 0)


def sides(inked: Floats, axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the ink (n, height, width) begins and ends; by rows if summed over `axis` 2, by columns over 1."""
    peak = inked.max((1, 2))[:, None, None]
    counted = ((inked > peak / 2) & (peak > 0)).sum(axis)
    filled = (counted > 0) & (counted * FULL >= counted.max(1)[:, None])
    return filled.argmax(1), np.where(filled.any(1), filled.shape[1] - filled[:, ::-1].argmax(1), 0)


def usual(images: Images) -> Usual | None:
    """What is usual in training images, or None if they have no plain background with ink on it."""
    found = measured(images)
    signs = np.median(found.sign)
    if np.median(found.plain) < PLAIN or np.mean(found.sign == signs) < PLAIN or np.median(found.contrast) < FAINT:
        return None
    centre = "mass" if found.mass.std(0).sum() <= found.box.std(0).sum() else "box"
    down, across = (found.mass if centre == "mass" else found.box).T
    return Usual(
        background=float(np.median(found.background)),
        sign=float(signs),
        contrast=_range(found.contrast),
        length=_range(found.length),
        centre=centre,
        down=_range(down),
        across=_range(across),
    )


def sampled(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Some of many images, evenly spaced; the same ones each time."""
    return images[:: max(1, len(images) // SAMPLE)]


def _range(values: Floats) -> Range:
    low, middle, high = np.percentile(values, (0.1, 50, 99.9))
    return Range(float(low), float(middle), float(high))
