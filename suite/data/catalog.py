"""The catalog of data sets: classes, shape, sizes, licence and the digest of every file that is published."""

import hashlib
import math
import struct
from dataclasses import dataclass, field

from suite.data import class_names
from suite.data.archived import ARCHIVED
from suite.errors import SuiteError
from suite.text import nearest

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
        """The header of an uncompressed IDX file: its magic number, the number of images, and for images 28 and 28."""
        images = self.train if file.startswith("train") else self.test
        if file.endswith("idx1-ubyte"):
            return struct.pack(">2i", 2049, images)
        return struct.pack(">4i", 2051, images, 28, 28)

    def size(self, file: str) -> int:
        """The length of an uncompressed IDX file in bytes."""
        header = self.header(file)
        images = int.from_bytes(header[4:8], "big")
        return len(header) + images * (1 if file.endswith("idx1-ubyte") else 28 * 28)

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


CATALOG = {
    data.name: data
    for data in (
        DataSet(
            name="mnist",
            title="MNIST",
            classes=class_names.DIGITS,
            train=60_000,
            test=10_000,
            sha256={
                "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
            torchvision="MNIST",
            licence="CC BY-SA 3.0",
        ),
        DataSet(
            name="fashion-mnist",
            title="Fashion-MNIST",
            classes=class_names.FASHION,
            train=60_000,
            test=10_000,
            sha256={
                "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
            torchvision="FashionMNIST",
            licence="MIT",
        ),
        # scikit-learn's digits: 8 × 8 pixels with 17 grey levels, centred in 28 × 28 and scaled to 0 to 255.
        # In the published order, the first 1,500 are the training set and the last 297 the test set.
        DataSet(
            name="digits",
            title="Digits (8 × 8, scikit-learn)",
            classes=class_names.DIGITS,
            train=1_500,
            test=297,
            sha256={
                "train-images-idx3-ubyte": "491cde9351263648bbb8b2dd1d1e3f5e595d6d1a7b9e77142a8aa44cd69be215",
                "train-labels-idx1-ubyte": "bd3edaa3a988280a3961d7c68a1df9acde2a3f3b377241ca8fcebd995127d8e8",
                "t10k-images-idx3-ubyte": "399adbdb2a0829c3af7394de0a5dc0438ec62eb97804f085e0ad5026d7ff15ef",
                "t10k-labels-idx1-ubyte": "e6698ad083c2c36b514003f58a4da1112904c486bc4ed10f9f6ac2b47ee729c7",
            },
            licence="CC BY 4.0",
        ),
        *(DataSet(**facts) for facts in ARCHIVED),
    )
}


def title_of(name: str, recorded: str = "") -> str:
    """The title of a data set; of one that is not in the catalog, the title in the record or else its name."""
    return CATALOG[name].title if name in CATALOG else recorded or name


def data_set(name: str) -> DataSet:
    """The data set called `name`: one of the catalog, or one's own by the name that it got when it was frozen.

    Raises `SuiteError` (2) with similar names if there is none.
    """
    if name in CATALOG:
        return CATALOG[name]
    from suite.data import frozen

    if frozen.is_own(name):
        return frozen.own(name)
    raise SuiteError(
        f"data: unknown data set {name!r}{nearest(name, CATALOG)}",
        f"There are {', '.join(CATALOG)}.",
    )
