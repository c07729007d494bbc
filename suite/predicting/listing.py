"""The pictures that a user names: files, and folders of them."""

import os
from collections.abc import Iterable
from pathlib import Path

from suite.data.own.pictures import ENDS
from suite.errors import SuiteError, machine_error


def listed(places: Iterable[Path]) -> list[Path]:
    """The files, and for each folder its pictures by name; other files and hidden ones in it are left out.

    Raises `SuiteError`: 2 for a place that does not exist and for a folder without pictures, 3 if it cannot be read.
    """
    found: dict[Path, None] = {}
    for place in places:
        if "\0" in str(place) or not os.path.lexists(place):
            raise SuiteError(f"{str(place)!r:.200}: there is no such picture or folder.", "Check the path.")
        found |= dict.fromkeys(_pictures(place) if place.is_dir() else [place])
    return list(found)


def _pictures(folder: Path) -> list[Path]:
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise machine_error(error, folder) from error
    pictures = [folder / name for name in names if name.lower().endswith(ENDS)]
    if not pictures:
        raise SuiteError(f"{folder}: has no pictures ({', '.join(ENDS)}).", "Name a folder that has some.")
    return pictures
