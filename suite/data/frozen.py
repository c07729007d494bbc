"""Frozen arrays: images and labels as memory-mapped .npy files, with a document that names and checks them.

One's own data and the sets that are published as archives are read once and frozen in the cache. Every later use maps
the files: nothing is decoded again, all processes share the pages, and a set may be larger than the memory.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from suite.data.dataset import DataSet
from suite.disk import files
from suite.errors import MACHINE, SuiteError, machine_error

if TYPE_CHECKING:
    import numpy as np

ARRAYS = ("train-images.npy", "train-labels.npy", "test-images.npy", "test-labels.npy")
DOCUMENT = "document.json"
LARGE = 1 << 30  # bytes of an array of which only the rows that are asked for are read; smaller ones stay in memory
_LARGEST_DOCUMENT = 1 << 26
_OWN, _DIGITS = "own-", 12


def folder_of(name: str) -> Path:
    """The folder of a data set in the user's cache."""
    return platformdirs.user_cache_path("suite-benchmark") / "data" / name


def is_own(name: object) -> bool:
    """Whether this is a name that one's own data gets: `own-` and the first digits of the digest of its contents."""
    digits = name.removeprefix(_OWN) if isinstance(name, str) and name.startswith(_OWN) else ""
    return len(digits) == _DIGITS and set(digits) <= set("0123456789abcdef")


def is_here(name: str) -> bool:
    """Whether the cache has the document of a frozen data set; its contents are not checked."""
    return (folder_of(name) / DOCUMENT).is_file()


def own(name: str) -> DataSet:
    """One's own frozen data set; raises `SuiteError`: 2 if it is not in the cache or its document is damaged."""
    path = folder_of(name) / DOCUMENT
    if not path.exists():
        raise SuiteError(
            f"data: {name} is not in the cache ({path.parent}).",
            "Read the data again: python -m suite data fetch folder:PATH (or npz:FILE).",
        )
    return _own(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _own(path: Path, _written: int) -> DataSet:
    return described(path.parent, path.parent.name)


def described(folder: Path, name: str = "") -> DataSet:
    """The data set that the document in `folder` describes; with a `name`, only if its contents give that name.

    Raises `SuiteError` (2) for a damaged document.
    """
    path = folder / DOCUMENT
    try:
        contents = files.read(path, _LARGEST_DOCUMENT)
        facts = json.loads(contents)
        unchanged = contents == document_of({name: value for name, value in facts.items() if name != "check"})
        sizes, classes, sha256 = facts["shape"], tuple(facts["classes"]), dict(facts["sha256"])
        shape = (int(sizes[0]), int(sizes[1]), int(sizes[2]))
        data = DataSet("", str(facts["title"]), classes, int(facts["train"]), int(facts["test"]), sha256, shape)
        digest = data.digest  # the title has a part of it, because a folder may be read again with other images
        title = f"{data.title} ({digest[:6]})"
        data = replace(data, name=_OWN + digest[:_DIGITS], title=title, licence=str(facts["licence"]))
    except OSError as error:
        raise machine_error(error, path) from error
    except (files.Unfit, ValueError, KeyError, TypeError, IndexError) as error:
        raise SuiteError(f"{path} is damaged: {error}.", remedy(folder)) from error
    if not unchanged or (name and data.name != name) or sha256.get("classes") != sha256_of(classes):
        raise SuiteError(f"{path} is damaged: its contents are not those that were written.", remedy(folder))
    return data


def made_of(folder: Path) -> str:
    """The digest of the published archives that the document names; empty for one's own data or without a document.

    Raises `SuiteError` (2) for a damaged document.
    """
    try:
        return str(json.loads(files.read(folder / DOCUMENT, _LARGEST_DOCUMENT))["made_of"])
    except FileNotFoundError:
        return ""
    except (OSError, files.Unfit, ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"{folder / DOCUMENT} is damaged: {error}.", remedy(folder)) from error


def whole(folder: Path) -> bool:
    """Whether `folder` has the document and every byte of the arrays that it describes; False without a document.

    Raises `SuiteError`: 2 for damage, 3 if a file cannot be read.
    """
    if not (folder / DOCUMENT).exists():
        return False
    data = described(folder)
    for file in ARRAYS:
        path = folder / file
        try:
            found = files.sha256(path, 1 << 50)
        except (OSError, files.Unfit) as error:
            raise SuiteError(f"{path}: {error}.", remedy(folder), code=MACHINE) from error
        if found != data.sha256[file]:
            raise SuiteError(f"{path}: expected SHA-256 {data.sha256[file]}, found {found}.", remedy(folder))
    return True


def mapped(folder: Path, data: DataSet, file: str) -> np.ndarray:
    """One of the `ARRAYS` as a memory map, without reading it: images uint8 (n, channels, height, width), or labels.

    A write changes only its own process. Raises `SuiteError` (2) if it is not the array of this data set.
    """
    import numpy as np

    path, count = folder / file, data.train if file.startswith("train") else data.test
    try:
        array: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SuiteError(f"{path}: {error}.", remedy(folder)) from error
    if array.nbytes >= LARGE and isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        array.base.madvise(mmap.MADV_RANDOM)  # the engine asks for the rows that it needs; no others are to be read
    wanted = (count, *data.shape) if "images" in file else (count,)
    if array.shape != wanted or array.dtype != (np.uint8 if "images" in file else label_type(data.classes)):
        raise SuiteError(f"{path}: no longer the file of {data.title}: another shape.", remedy(folder))
    return array


def label_type(classes: tuple[str, ...]) -> str:
    """The type of the labels in the file: one byte up to 256 classes, else two."""
    return "|u1" if len(classes) <= 256 else "<u2"


def document_of(facts: Mapping[str, Any]) -> bytes:
    """The text of a document: its facts, and as `check` the SHA-256 of them."""
    check = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return json.dumps({**facts, "check": check}, ensure_ascii=False, indent=1).encode()


def sha256_of(classes: tuple[str, ...]) -> str:
    """The SHA-256 of the names of the classes, which are part of the contents."""
    return hashlib.sha256(json.dumps(classes).encode()).hexdigest()


def remedy(folder: Path) -> str:
    """What to do about damage in the cache."""
    return f"Delete the folder {folder}, and read the data again."
