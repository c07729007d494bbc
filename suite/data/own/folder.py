"""A folder of pictures as a data set: train/CLASS/… and test/CLASS/…, or CLASS/… with a split by contents."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from suite.data.freezing import LARGEST_SIDE, Facts, Part, rows_at_once
from suite.data.own.pictures import ENDS, MOST_BYTES, Header, header, pixels
from suite.data.own.request import Request
from suite.disk import files
from suite.errors import SuiteError, machine_error
from suite.text import printable

if TYPE_CHECKING:
    import numpy as np

SHARE = "0.2"
IGNORED = ("thumbs.db", "desktop.ini")
LAYOUT = "It must hold train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png (.jpg too)"


class Picture(NamedTuple):
    """A picture's file, its class, and a digest of its bytes and the seed, which orders and splits the pictures."""

    path: Path
    label: int
    digest: bytes


def read(request: Request) -> tuple[Facts, Part, Part, list[str]]:
    """The facts and both parts of a folder of pictures, and lines to say. Pictures are decoded when blocks are read.

    The order of the images and the split depend on the pictures' bytes and the seed, never on names of files.
    Raises `SuiteError` (2) that names a file or a folder.
    """
    options, root = request.options, request.path
    seed, notes = options.get("seed", "0"), []
    given = {part: root / part for part in ("train", "test") if (root / part).is_dir()}
    if len(given) == 1:
        raise SuiteError(f"{root}: has only {next(iter(given))}/.", f"{LAYOUT}.")
    if given:
        if "test" in options:
            raise SuiteError(f"{root}: has train/ and test/, so ?test= has no meaning.", "Leave it out.")
        classes = _classes(*given.values())
        train, test = (_pictures(folder, classes, seed) for folder in given.values())
    else:
        classes = _classes(root)
        share = float(options.get("test", SHARE))
        train, test = _split(_pictures(root, classes, seed), classes, share)
        notes.append(f"{share:.0%} of each class are test images, chosen by contents (?test={share:g}&seed={seed})")
    shape = _shape(request, [*train, *test])
    background = options.get("background", "white")
    parts = [Part(len(one), _blocks(one, shape, background)) for one in (train, test)]
    return Facts(printable(root.name) or "folder", classes, shape), parts[0], parts[1], notes


def _classes(*folders: Path) -> tuple[str, ...]:
    """The names of the folders in each of `folders`, in alphabetical order."""
    found = [tuple(sorted(entry.name for entry in _entries(folder) if _is_folder(entry))) for folder in folders]
    if len(found) == 2 and found[0] != found[1]:
        odd = sorted(set(found[0]) ^ set(found[1]))[0]
        raise SuiteError(f"{folders[0].parent}: class {odd!r:.80} is only in one of train/ and test/.", f"{LAYOUT}.")
    if not found[0]:
        raise SuiteError(f"{folders[0]}: has no folders of classes.", f"{LAYOUT}.")
    return found[0]


def _pictures(folder: Path, classes: Sequence[str], seed: str) -> list[Picture]:
    """All pictures of a part, ordered by their digests."""
    found: list[Picture] = []
    for label, name in enumerate(classes):
        before = len(found)
        for entry in _entries(folder / name):
            path = Path(entry.path)
            if entry.name.lower() in IGNORED:
                continue
            if not entry.is_file() or path.suffix.lower() not in ENDS:
                raise SuiteError(f"{path}: is neither .png nor .jpg.", "Move it out of the folder.")
            found.append(Picture(path, label, _digest(path, seed)))
        if len(found) == before:
            raise SuiteError(f"{folder / name}: has no pictures.", "Add some, or delete the folder.")
    return sorted(found, key=lambda one: (one.digest, one.label))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, without hidden files; a link is refused, because it may lead anywhere."""
    try:
        with os.scandir(folder) as listing:
            found = sorted((one for one in listing if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError as error:
        raise machine_error(error, folder) from error
    for entry in found:
        if entry.is_symlink():
            raise SuiteError(f"{entry.path}: is a symbolic link.", "Put a copy in its place.")
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _digest(path: Path, seed: str) -> bytes:
    try:
        return hashlib.sha256(f"{seed}:{files.sha256(path, MOST_BYTES)}".encode()).digest()
    except files.Unfit as error:
        raise SuiteError(f"{path}: {error}.", "Move it out of the folder.") from error
    except OSError as error:
        raise machine_error(error, path) from error


def _split(pictures: list[Picture], classes: Sequence[str], share: float) -> tuple[list[Picture], list[Picture]]:
    """Of each class the pictures with the smallest digests are the test set; equal files stay on one side."""
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
        tested |= {one.path for one in members[:count]}
    return [one for one in pictures if one.path not in tested], [one for one in pictures if one.path in tested]


def _shape(request: Request, pictures: Sequence[Picture]) -> tuple[int, int, int]:
    """The shape of all images: as the options say, else that of the pictures, which must then have one size."""
    size, colour, first = request.options.get("size"), request.options.get("colour"), pictures[0]
    grey, wanted = True, None
    for one in pictures:
        found: Header = header(one.path)
        grey = grey and found.grey
        wanted = wanted or found
        if not size and (found.height, found.width) != (wanted.height, wanted.width):
            raise SuiteError(
                f"{one.path}: {found.height} × {found.width} pixels, but {first.path} has "
                f"{wanted.height} × {wanted.width}.", "Give one size, such as ?size=32."
            )  # fmt: skip
    assert wanted is not None  # there are classes, and each has pictures
    height, _, width = size.partition("x") if size else (str(wanted.height), "", str(wanted.width))
    if max(int(height), int(width or height)) > LARGEST_SIDE:
        raise SuiteError(f"{request.path}: more than {LARGEST_SIDE:,} pixels on a side.", "Give a ?size=.")
    channels = {"grey": 1, "rgb": 3}[colour] if colour else (1 if grey else 3)
    return channels, int(height), int(width or height)


def _blocks(
    pictures: Sequence[Picture], shape: tuple[int, int, int], background: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import numpy as np

    step = rows_at_once(int(np.prod(shape)))
    for start in range(0, len(pictures), step):
        some = pictures[start : start + step]
        yield np.stack([pixels(one.path, shape, background) for one in some]), np.array([one.label for one in some])
