"""A folder of pictures as a data set: train/CLASS/… and test/CLASS/…, or CLASS/… with a split by contents."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from suite.data.freezing import Facts, Part
from suite.data.own.labelled import Picture, digest, ordered, parts, split
from suite.data.own.pictures import ENDS, MOST_BYTES
from suite.data.own.request import Request
from suite.disk import files
from suite.errors import SuiteError, machine_error
from suite.text import printable

IGNORED = ("thumbs.db", "desktop.ini")
LAYOUT = "It must hold train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png (.jpg too)"


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
        train, test, note = split(request, _pictures(root, classes, seed), classes)
        notes.append(note)
    return *parts(request, printable(root.name) or "folder", classes, train, test), notes


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
    return ordered(found)


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
        return digest(files.sha256(path, MOST_BYTES), seed)
    except files.Unfit as error:
        raise SuiteError(f"{path}: {error}.", "Move it out of the folder.") from error
    except OSError as error:
        raise machine_error(error, path) from error
