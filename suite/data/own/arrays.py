"""Arrays as a data set: any of the usual layouts, from memory or streamed from an .npz file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from suite.data.freezing import MOST_CLASSES, Part, rows_at_once
from suite.errors import SuiteError

if TYPE_CHECKING:
    import numpy as np


class Rows(Protocol):
    """An array that can be read by rows: its shape, the name of its type, and its rows in order."""

    shape: tuple[int, ...]
    kind: str

    def blocks(self, step: int) -> Iterator[np.ndarray]:
        """The array in blocks of at most `step` rows."""


class Held:
    """An array in memory, or one that numpy maps."""

    def __init__(self, array: np.ndarray) -> None:
        self.shape, self.kind, self._array = tuple(array.shape), str(array.dtype), array

    def blocks(self, step: int) -> Iterator[np.ndarray]:
        """The array in blocks of at most `step` rows."""
        for start in range(0, self.shape[0], step):
            yield self._array[start : start + step]


def shape_of(what: str, images: Rows) -> tuple[int, int, int]:
    """The shape (channels, height, width) of images (n, h, w), (n, h, w, c) or (n, c, h, w), with 1 or 3 channels.

    Raises `SuiteError` (2) for another layout and for other values than bytes.
    """
    if images.kind != "uint8":
        raise SuiteError(f"{what}: images must be uint8 from 0 to 255, got {images.kind}.", "Scale and convert them.")
    match images.shape:
        case (_, height, width):
            return 1, height, width
        case (_, height, width, 1 | 3 as channels):
            return channels, height, width
        case (_, 1 | 3 as channels, height, width):
            return channels, height, width
    raise SuiteError(
        f"{what}: images must be (n, height, width), or that with 1 or 3 channels, got {images.shape}.",
        "Change the layout of the array.",
    )


def part(what: str, pairs: Sequence[tuple[Rows, Rows]]) -> Part:
    """One part of a data set, of arrays of images and their labels, one pair after the other.

    Raises `SuiteError` (2) if labels are no whole numbers (n,) or (n, 1), one for each image.
    """
    for images, labels in pairs:
        if labels.shape[:1] != images.shape[:1] or labels.shape[1:] not in ((), (1,)):
            raise SuiteError(
                f"{what}: labels must be one number for each of {images.shape[0]:,} images, got {labels.shape}.",
                "Several labels for one image are not supported.",
            )
        if not labels.kind.startswith(("int", "uint")):
            raise SuiteError(f"{what}: labels must be whole numbers, got {labels.kind}.", "They count from 0.")
    return Part(sum(images.shape[0] for images, _ in pairs), _blocks(what, pairs))


def classes_of(what: str, given: Any, labels: Sequence[Rows]) -> tuple[str, ...]:
    """The names of the classes: as given, else the numbers from 0 to the largest label. Reads all labels."""
    if given is not None:
        names = tuple(str(name) for name in given)
        if len(set(names)) < len(names) or not all(name.strip() for name in names):
            raise SuiteError(f"{what}: the names of the classes must differ, and none may be empty.", "Rename them.")
        return names
    largest = max((int(block.max()) for one in labels for block in one.blocks(1 << 20) if len(block)), default=0)
    if largest >= MOST_CLASSES:
        raise SuiteError(
            f"{what}: the largest label is {largest:,}.", f"There may be {MOST_CLASSES:,} classes, from 0."
        )
    return tuple(map(str, range(largest + 1)))


def _blocks(what: str, pairs: Sequence[tuple[Rows, Rows]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for images, labels in pairs:
        shape = shape_of(what, images)
        step = rows_at_once(shape[0] * shape[1] * shape[2])
        for block, named in zip(images.blocks(step), labels.blocks(step), strict=True):
            yield _channels_first(block), named.reshape(-1)


def _channels_first(block: np.ndarray) -> np.ndarray:
    if block.ndim == 3:
        return block[:, None]
    return block.transpose(0, 3, 1, 2) if block.shape[-1] in (1, 3) else block
