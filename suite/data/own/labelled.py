"""Pictures with labels, from wherever they come: their order, their split, their common shape, and their blocks."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from suite.data.freezing import LARGEST_SIDE, Facts, Part, rows_at_once
from suite.data.own.pictures import Header, Source, header, pixels
from suite.data.own.request import Request
from suite.errors import SuiteError

if TYPE_CHECKING:
    import numpy as np

SHARE = "0.2"


class Picture(NamedTuple):
    """A picture, its class, and a digest of its bytes and the seed, which orders and splits the pictures."""

    source: Source
    label: int
    digest: bytes


def digest(contents: str, seed: str) -> bytes:
    """The digest that orders pictures: of the SHA-256 of the picture's bytes, and of the seed."""
    return hashlib.sha256(f"{seed}:{contents}".encode()).digest()


def ordered(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures in an order that depends on their bytes and the seed alone."""
    return sorted(pictures, key=lambda one: (one.digest, one.label))


def parts(
    request: Request, title: str, classes: tuple[str, ...], train: Sequence[Picture], test: Sequence[Picture]
) -> tuple[Facts, Part, Part]:
    """The facts and both parts of a data set of these pictures, which are decoded when their blocks are read.

    Raises `SuiteError` (2) that names a picture if they do not have one size and the request gives none.
    """
    shape = _shape(request, [*train, *test])
    background = request.options.get("background", "white")
    found = [Part(len(one), _blocks(one, shape, background)) for one in (train, test)]
    return Facts(title, classes, shape), found[0], found[1]


def split(
    request: Request, pictures: Sequence[Picture], classes: Sequence[str]
) -> tuple[list[Picture], list[Picture], str]:
    """Of each class the pictures with the smallest digests are the test set; equal files stay on one side.

    Returns the training pictures, the test pictures, and a line to say.
    """
    share, seed = float(request.options.get("test", SHARE)), request.options.get("seed", "0")
    by_class: dict[int, list[Picture]] = defaultdict(list)
    for one in pictures:
        by_class[one.label].append(one)
    tested = set()
    for label, members in by_class.items():
        count = max(1, round(len(members) * share))
        while count < len(members) and members[count].digest == members[count - 1].digest:
            count += 1
        if count >= len(members):
            raise SuiteError(
                f"class {classes[label]!r:.80} has too few different pictures to split.", "Add some, or leave it out."
            )
        tested |= {one.source for one in members[:count]}
    note = f"{share:.0%} of each class are test images, chosen by contents (?test={share:g}&seed={seed})"
    train = [one for one in pictures if one.source not in tested]
    return train, [one for one in pictures if one.source in tested], note


def _shape(request: Request, pictures: Sequence[Picture]) -> tuple[int, int, int]:
    """The shape of all images: as the options say, else that of the pictures, which must then have one size."""
    size, colour, first = request.options.get("size"), request.options.get("colour"), pictures[0]
    grey, wanted = True, None
    for one in pictures:
        found: Header = header(one.source)
        grey = grey and found.grey
        wanted = wanted or found
        if not size and (found.height, found.width) != (wanted.height, wanted.width):
            raise SuiteError(
                f"{one.source}: {found.height} × {found.width} pixels, but {first.source} has "
                f"{wanted.height} × {wanted.width}.", "Give one size, such as ?size=32."
            )  # fmt: skip
    assert wanted is not None  # there are classes, and each has pictures
    height, _, width = size.partition("x") if size else (str(wanted.height), "", str(wanted.width))
    if max(int(height), int(width or height)) > LARGEST_SIDE:
        raise SuiteError(f"{request.where}: more than {LARGEST_SIDE:,} pixels on a side.", "Give a ?size=.")
    channels = {"grey": 1, "rgb": 3}[colour] if colour else (1 if grey else 3)
    return channels, int(height), int(width or height)


def _blocks(
    pictures: Sequence[Picture], shape: tuple[int, int, int], background: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import numpy as np

    step = rows_at_once(int(np.prod(shape)))
    for start in range(0, len(pictures), step):
        some = pictures[start : start + step]
        yield np.stack([pixels(one.source, shape, background) for one in some]), np.array([one.label for one in some])
