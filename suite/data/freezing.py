"""Writes frozen arrays: images and labels in blocks, hashed on the way, with the document that describes them."""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from suite.data.dataset import DataSet
from suite.data.frozen import ARRAYS, DOCUMENT, described, document_of, label_type, sha256_of
from suite.disk import files
from suite.errors import MACHINE, SuiteError, machine_error

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
MOST_CLASSES = 65_535
LARGEST_SIDE = 4_096
LONGEST_NAME = 200
AT_ONCE = 1 << 22
"""About so many bytes of images are read, converted and written at once."""


@dataclass(frozen=True)
class Part:
    """The training or the test set: how many images, and their blocks in order.

    A block is images uint8 (k, channels, height, width) and labels (k,), whole numbers from 0.
    """

    images: int
    blocks: Iterable[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Facts:
    """What the document of frozen arrays says besides their contents."""

    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    licence: str = ""
    made_of: str = ""
    """The digest of the published archives, if it is made of them."""


class _Written(NamedTuple):
    """The labels that a part has, and 64 bits of a digest of every image."""

    labels: set[int]
    digests: np.ndarray


def freeze(facts: Facts, train: Part, test: Part, into: Path) -> DataSet:
    """Write the arrays and their document into the empty folder `into`, synced to the disk.

    Returns the data set, named by its contents. Test images that are also training images are counted in the document.
    Raises `SuiteError`: 2 for data that cannot be trained on, 3 if there is no space, and what the blocks raise.
    """
    import numpy as np

    _require_possible(facts, train, test)
    _require_space(facts, train, test, into)
    sha256: dict[str, str] = {}
    try:
        trained = _write(facts, train, into, ARRAYS[:2], sha256)
        tested = _write(facts, test, into, ARRAYS[2:], sha256)
        _require_all_classes(facts, trained.labels, tested.labels)
        document = {
            "format": FORMAT, "title": facts.title, "shape": list(facts.shape), "classes": list(facts.classes),
            "train": train.images, "test": test.images, "licence": facts.licence, "made_of": facts.made_of,
            "test_images_in_training": int(np.isin(tested.digests, trained.digests).sum()),
            "sha256": sha256 | {"classes": sha256_of(facts.classes)},
        }  # fmt: skip
        files.write(into / DOCUMENT, document_of(document))
    except OSError as error:
        raise machine_error(error, error.filename or into) from error
    return described(into)


def in_blocks(images: np.ndarray, labels: np.ndarray) -> Part:
    """A part of a data set from arrays in memory: images uint8 (n, channels, height, width) and labels (n,)."""
    step = rows_at_once(math.prod(images.shape[1:]))
    blocks = ((images[at : at + step], labels[at : at + step]) for at in range(0, len(images), step))
    return Part(len(images), blocks)


def rows_at_once(bytes_each: int) -> int:
    """How many images of so many bytes are read at once."""
    return max(1, AT_ONCE // bytes_each)


def _write(facts: Facts, part: Part, into: Path, names: tuple[str, str], sha256: dict[str, str]) -> _Written:
    """Write the images and labels of one part."""
    import numpy as np

    kind = label_type(facts.classes)
    labels, seen = np.zeros(part.images, kind), np.zeros(part.images, np.uint64)
    with _Array(into / names[0], np.uint8, (part.images, *facts.shape)) as images:
        at = 0
        for block, named in part.blocks:
            end = at + len(block)
            if block.shape[1:] != facts.shape or len(named) != len(block) or end > part.images:
                raise SuiteError(f"{facts.title}: a block of images {block.shape} does not fit {facts.shape}.")
            if len(named) and not 0 <= int(named.min()) <= int(named.max()) < len(facts.classes):
                raise SuiteError(
                    f"{facts.title}: labels from {named.min()} to {named.max()} do not fit "
                    f"{len(facts.classes):,} classes.", "They count from 0, one for each class."
                )  # fmt: skip
            images.add(block)
            labels[at:end], seen[at:end] = named, [_short_digest(image) for image in block]
            at = end
        if at != part.images:
            raise SuiteError(f"{facts.title}: {at:,} images instead of {part.images:,}.", "The file may be cut off.")
    with _Array(into / names[1], kind, (part.images,)) as array:
        array.add(labels)
    sha256 |= {names[0]: images.sha256, names[1]: array.sha256}
    return _Written(set(np.unique(labels).tolist()), seen)


class _Array:
    """A .npy file that is written in blocks, hashed on the way and synced at the end.

    It is not written through a memory map: a full disk then ends the process, here it raises `OSError`.
    """

    def __init__(self, path: Path, kind: Any, shape: tuple[int, ...]) -> None:
        self._path, self._kind, self._shape, self._hash = path, kind, shape, hashlib.sha256()

    def __enter__(self) -> _Array:
        import numpy as np

        header = io.BytesIO()
        facts = {"descr": np.dtype(self._kind).str, "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(header, facts)
        self._file = self._path.open("xb")
        self._put(header.getvalue())
        return self

    def add(self, block: np.ndarray) -> None:
        """Append the rows of a block."""
        import numpy as np

        self._put(np.ascontiguousarray(block, self._kind).tobytes())

    def _put(self, contents: bytes) -> None:
        self._hash.update(contents)
        self._file.write(contents)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())


def _require_possible(facts: Facts, train: Part, test: Part) -> None:
    """Refuse what no run can train on, before anything is read."""
    if not 2 <= len(facts.classes) <= MOST_CLASSES:
        count = len(facts.classes)
        raise SuiteError(f"{facts.title}: {count:,} classes.", f"There must be 2 to {MOST_CLASSES:,}.")
    for name in facts.classes:
        if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
            raise SuiteError(f"{facts.title}: {name!r:.60} is no name of a class.", "Use printable letters.")
    channels, height, width = facts.shape
    if channels not in (1, 3) or not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise SuiteError(
            f"{facts.title}: images of {channels} channels, {height} × {width} pixels.",
            f"There must be 1 or 3 channels, and at most {LARGEST_SIDE:,} pixels on a side.",
        )
    for part, images in (("training", train.images), ("test", test.images)):
        if not images:
            raise SuiteError(f"{facts.title}: there are no {part} images.", "Give at least one for each class.")


def _require_space(facts: Facts, train: Part, test: Part, into: Path) -> None:
    needed = (train.images + test.images) * (math.prod(facts.shape) + 2)
    free = shutil.disk_usage(into).free
    if needed > free:
        raise SuiteError(
            f"{into}: {facts.title} needs {needed:,} bytes, and {free:,} are free.",
            "Free space, or set XDG_CACHE_HOME to another folder, and run again.",
            code=MACHINE,
        )


def _require_all_classes(facts: Facts, trained: set[int], tested: set[int]) -> None:
    """Every class needs images in both parts: without them its figures mean nothing."""
    for part, labels in (("training", trained), ("test", tested)):
        missing = [name for label, name in enumerate(facts.classes) if label not in labels]
        if missing:
            raise SuiteError(
                f"{facts.title}: no {part} image of class {missing[0]!r:.60} ({len(missing):,} of "
                f"{len(facts.classes):,} classes).", "Add images, or leave the class out."
            )  # fmt: skip


def _short_digest(image: np.ndarray) -> int:
    """64 bits of a digest: two of a million different images have the same one with a chance of 1 in 30 million."""
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), "little")
