"""A data set of the Hugging Face Hub, or a folder in one of its formats, read by the `datasets` library."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.data.freezing import MOST_CLASSES, Facts, Part
from suite.data.own.labelled import Picture, digest, ordered, parts, split
from suite.data.own.pictures import MOST_BYTES
from suite.data.own.request import Request
from suite.disk.script import words_of
from suite.errors import MACHINE, SuiteError
from suite.text import printable

TESTS = ("test", "validation", "valid")
"""The splits that can be the test set: the first that there is."""


@dataclass(frozen=True)
class Cell:
    """The picture in one row of a split."""

    name: str
    row: int
    rows: Any = field(repr=False, compare=False)
    column: str

    def __str__(self) -> str:
        return f"{self.name}, row {self.row:,}, column {self.column!r}"

    def contents(self) -> bytes:
        """The bytes of its file, as they are in the row or behind the path in it."""
        found = self.rows[self.row][self.column] or {}
        if contents := found.get("bytes"):
            return bytes(contents)
        if not found.get("path"):
            raise SuiteError(f"{self}: has no picture.", "Leave the row out.")
        import fsspec  # the paths of `datasets` may lead into archives

        try:
            with fsspec.open(found["path"]) as file:
                return bytes(file.read(MOST_BYTES))
        except Exception as error:  # whatever the file systems of fsspec raise
            raise SuiteError(f"{self}: cannot be read: {words_of(error):.300}.", "Read the data again.") from error


def read(request: Request) -> tuple[Facts, Part, Part, list[str]]:
    """The facts and both parts of a data set, and lines to say. Pictures are decoded when blocks are read.

    The order of the images depends on their bytes and the seed, as in a folder. Raises `SuiteError`: 2 for what is no
    set of labelled pictures, 3 if `datasets` is not installed or the Hub cannot be reached.
    """
    found = _loaded(request)
    train, test = _parts(request, list(found))
    image, label = _columns(request, found[train].features)
    classes = _classes(request, label, [found[name] for name in (train, test) if name])
    pictures = {name: _pictures(request, name, found[name], image, label, classes) for name in (train, test) if name}
    notes = [f"images from column {image!r}, labels from {label!r}"]
    if test:
        trained, tested = pictures[train], pictures[test]
        notes.append(f"trained on its split {train!r}, tested on {test!r}")
    else:
        trained, tested, note = split(request, pictures[train], classes)
        notes.append(note)
    title = printable(request.published or request.path.name)
    return *parts(request, title, classes, trained, tested), notes


def _loaded(request: Request) -> Any:
    """The splits by name. Data sets that are programs are refused by the library itself since its version 4."""
    try:
        import datasets
    except ImportError as error:
        raise SuiteError(
            "data: hf: the package datasets is not installed.", "Run python -m pip install 'suite[hf]'.", code=MACHINE
        ) from error
    config, revision = request.options.get("config"), request.options.get("revision")
    try:
        if (request.path / "dataset_dict.json").is_file() and not request.published:
            return datasets.load_from_disk(str(request.path))
        # the prefix says that it is on the Hub: a folder of the same name here must not take its place
        where = f"hf://datasets/{request.published}" if request.published else str(request.path)
        return datasets.load_dataset(where, config, revision=revision)
    except ConnectionError as error:
        raise SuiteError(
            f"data: {request.where}: {words_of(error):.300}.",
            "Connect to the network once, then it is kept.",
            code=MACHINE,
        ) from error
    except Exception as error:  # the library raises what its many readers meet
        remedy = "Check the name, its config and its access."
        if "scripts are no longer supported" in str(error) or "trust_remote_code" in str(error):
            remedy = "It is a program, which is never run here. Use a copy of the data in Parquet."
        raise SuiteError(f"data: {request.where}: {words_of(error):.300}.", remedy) from error


def _parts(request: Request, names: Sequence[str]) -> tuple[str, str]:
    """The names of the splits to train and to test with; the second is empty if one split must give both."""
    if len(names) == 1:
        return names[0], ""
    test = next((name for name in TESTS if name in names), "")
    if "train" not in names or not test:
        raise SuiteError(f"{request.where}: has the splits {', '.join(names):.200}.", "It needs train and test.")
    if "test" in request.options:
        raise SuiteError(f"{request.where}: has train and {test}, so ?test= has no meaning.", "Leave it out.")
    return "train", test


def _columns(request: Request, features: Any) -> tuple[str, str]:
    """The columns of the images and of the labels: as the options say, else the only ones that can be."""
    import datasets

    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    others = [name for name, kind in features.items() if getattr(kind, "dtype", "").startswith(("int", "uint", "str"))]
    preferred = [name for name in others if name in ("label", "labels", "class")]
    return (
        _one(request, "image", images, images, "pictures"),
        _one(request, "label", [*labels, *others], labels or preferred, "classes"),
    )


def _one(request: Request, option: str, possible: Sequence[str], likely: Sequence[str], what: str) -> str:
    chosen = request.options.get(option)
    if chosen is not None and chosen not in possible:
        names = ", ".join(dict.fromkeys(possible)) or "none"
        raise SuiteError(f"{request.where}: {chosen!r:.80} is no column of {what}.", f"There are: {names:.200}.")
    if chosen is None and len(likely) != 1:
        names = ", ".join(dict.fromkeys(likely or possible))
        has = f"has several columns of {what}: {names:.200}" if likely else f"has no column of {what}"
        raise SuiteError(
            f"{request.where}: {has}.", f"Choose one with ?{option}=COLUMN{f' of {names}' if names else ''}."
        )
    return chosen or likely[0]


def _classes(request: Request, label: str, splits: Sequence[Any]) -> tuple[str, ...]:
    """The names of the classes: the column's own, else its texts in alphabetical order, or 0 to the largest number."""
    kind = splits[0].features[label]
    if names := getattr(kind, "names", None):
        return tuple(map(str, names))
    values = {value for rows in splits for value in rows.unique(label)}
    if None in values:
        raise SuiteError(f"{request.where}: column {label!r} has empty labels.", "Leave those rows out.")
    if kind.dtype.startswith(("int", "uint")):
        largest = max(values, default=0)
        if largest >= MOST_CLASSES:
            raise SuiteError(f"{request.where}: the largest label is {largest:,}.", "They count from 0.")
        return tuple(map(str, range(largest + 1)))
    return tuple(sorted(values))


def _pictures(request: Request, name: str, rows: Any, image: str, label: str, classes: Sequence[str]) -> list[Picture]:
    """The pictures of a split, in the order of their digests; only their bytes are read, nothing is decoded."""
    import datasets

    if rows.features.get(image) is None or rows.features.get(label) is None:
        raise SuiteError(f"{request.where}: its split {name!r} has other columns.", "All splits need the same ones.")
    numbers = {name: number for number, name in enumerate(classes)}
    stored = rows.select_columns([image]).cast_column(image, datasets.Image(decode=False))
    seed, found = request.options.get("seed", "0"), []
    for row, value in enumerate(rows.select_columns([label])[label]):
        number = numbers.get(value, -1) if isinstance(value, str) else value
        if number is None or not 0 <= number < len(classes):
            raise SuiteError(
                f"{request.where}: split {name!r}, row {row:,}: the label is {value!r:.40}.",
                "Many sets keep their test labels to themselves: name another set, or a ?config=.",
            )
        cell = Cell(f"{request.where}: split {name!r}", row, stored, image)
        found.append(Picture(cell, int(number), digest(hashlib.sha256(cell.contents()).hexdigest(), seed)))
    return ordered(found)
