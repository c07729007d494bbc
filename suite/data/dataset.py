"""One data set: its names, classes, shape and sizes, and the digests of its files."""

import hashlib
import math
import struct
from dataclasses import dataclass, field

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CONVERSION = 1
"""Increase it when an archive is converted to other arrays: its digest, and so every identity on it, changes."""


Shape = tuple[int, int, int]  # channels, height, width
GREY: Shape = (1, 28, 28)


@dataclass(frozen=True)
class DataSet:
    """A data set of images of one shape: its names, sizes, and the SHA-256 of each file.

    `classes` are the names of the classes, and `shape` is (channels, height, width) of every image. MNIST,
    Fashion-MNIST and the digits are kept as four IDX files, whose SHA-256 are in `sha256`. All others are `frozen`
    arrays (suite/data/frozen.py). Of a published one, `sha256` has the archives as they are published, and `md5` those
    of which only that is known. Of one's own, `sha256` has the arrays and the names of the classes.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: int
    test: int
    sha256: dict[str, str]
    shape: Shape = GREY
    torchvision: str = ""
    """The name of its class in torchvision, which is also torchvision's name for its folder."""
    licence: str = ""
    md5: dict[str, str] = field(default_factory=dict)
    npm: dict[str, str] = field(default_factory=dict)
    """An npm package with the same images and labels, `name@version`, and its SHA-256: another source, in no digest."""

    @property
    def frozen(self) -> bool:
        """Whether the cache keeps it as frozen arrays, not as IDX files."""
        return FILES[0] not in self.sha256

    @property
    def archived(self) -> bool:
        """Whether it is made of published archives."""
        return self.frozen and "classes" not in self.sha256

    @property
    def stored_bytes(self) -> int:
        """The bytes of all images and labels in the cache."""
        return (self.train + self.test) * (math.prod(self.shape) + (1 if len(self.classes) <= 256 else 2))

    def header(self, file: str) -> bytes:
        """The header of an uncompressed IDX file: its magic number, the number of images, and for images their sizes.

        One channel has no size of its own: (n, height, width) are the dimensions of grey images.
        """
        images = self.train if file.startswith("train") else self.test
        if file.endswith("idx1-ubyte"):
            return struct.pack(">2i", 2049, images)
        sizes = self.shape if self.shape[0] > 1 else self.shape[1:]
        return struct.pack(f">{2 + len(sizes)}i", 2049 + len(sizes), images, *sizes)

    def size(self, file: str) -> int:
        """The length of an uncompressed IDX file in bytes."""
        header = self.header(file)
        images = int.from_bytes(header[4:8], "big")
        return len(header) + images * (1 if file.endswith("idx1-ubyte") else math.prod(self.shape))

    @property
    def digest(self) -> str:
        """One SHA-256 for the whole set, computed from the digests of its files."""
        return self._digest_of("")

    @property
    def training_digest(self) -> str:
        """The same for the training set."""
        return self._digest_of("train")

    @property
    def test_digest(self) -> str:
        """The same for the test set."""
        return self._digest_of("t")

    def _digest_of(self, part: str) -> str:
        """Of the files of a part by the starts of their names: `train…`, and `t10k…` or `test…`."""
        sums = {**self.sha256, **self.md5}
        if self.archived:  # an archive may hold both parts
            lines = [f"{digest}  {file}\n" for file, digest in sums.items()] + [f"{CONVERSION}  {self.name} {part}\n"]
        else:
            other = "train" if part == "t" else " "
            chosen = (file for file in sums if file.startswith(part) and not file.startswith(other))
            lines = [f"{sums[file]}  {file}\n" for file in chosen]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
