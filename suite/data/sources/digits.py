"""scikit-learn's 1,797 digits as a data set of 28 × 28 images, without importing scikit-learn."""

import csv
import gzip
import importlib.util
import zlib
from pathlib import Path

from suite.data.contents import Unavailable, check
from suite.data.dataset import FILES, DataSet

MARGIN = 10
"""Black pixels on every side of the 8 × 8 image, which is centred in 28 × 28."""


def scikit_learn(data: DataSet, into: Path) -> None:
    """Write the digits as four IDX files: the first `data.train` are the training set, the rest the test set.

    Raises `Unavailable` if scikit-learn is not installed or its file cannot be read.
    """
    path = _published()
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            rows = [[int(value) for value in row] for row in csv.reader(file)]
        files = {name: _contents(data, name, rows) for name in FILES}
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise Unavailable(f"{path}: {error}") from error
    for name, contents in files.items():
        check(data, name, [contents], f"{name} made of {path}")
        (into / name).write_bytes(contents)


def _published() -> Path:
    """The path of scikit-learn's table: per row one digit, 64 grey levels from 0 to 16, then its label."""
    found = importlib.util.find_spec("sklearn")
    if not found or not found.submodule_search_locations:
        raise Unavailable("scikit-learn is not installed")
    return Path(found.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")


def _contents(data: DataSet, file: str, rows: list[list[int]]) -> bytes:
    part = rows[: data.train] if file.startswith("train") else rows[data.train :]
    pixels = (_image(row[:-1]) if "images" in file else bytes(row[-1:]) for row in part)
    return data.header(file) + b"".join(pixels)


def _image(levels: list[int]) -> bytes:
    """The 784 pixels of one digit, its levels 0 to 16 scaled to 0 to 255."""
    grey = bytes(round(level * 255 / 16) for level in levels)
    rows = (bytes(MARGIN) + grey[start : start + 8] + bytes(MARGIN) for start in range(0, len(grey), 8))
    border = bytes(28 * MARGIN)
    return border + b"".join(rows) + border
