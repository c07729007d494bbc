"""Small data sets of any shape and number of classes, made from a seed: each class is a pattern, with noise."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from suite.data import Data
from suite.data.dataset import FILES, DataSet, Shape

COLOUR: Shape = (3, 16, 20)


def names(classes: int) -> tuple[str, ...]:
    return tuple(f"kind {number}" for number in range(classes))


def arrays(shape: Shape, classes: int, images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, channels, height, width), and labels int64 (n,) in which every class comes in turn."""
    labels = np.arange(images) % classes
    patterns = np.random.default_rng(0).integers(0, 200, (classes, *shape))
    noise = np.random.default_rng(seed).integers(0, 56, (images, *shape))
    return (patterns[labels] + noise).astype(np.uint8), labels


def in_memory(shape: Shape, classes: int, train: int = 60, test: int = 30) -> Data:
    made = arrays(shape, classes, train, 1) + arrays(shape, classes, test, 2)
    return Data(*map(torch.from_numpy, made), names=names(classes))


def on_disk(name: str, shape: Shape, classes: int, folder: Path, train: int = 60, test: int = 30) -> DataSet:
    """The data set as IDX files in `folder`; at most 256 classes."""
    plain = DataSet(name, name.title(), names(classes), train, test, {}, shape)
    parts = [part for number, images in ((1, train), (2, test)) for part in arrays(shape, classes, images, number)]
    digests = {}
    for file, part in zip(FILES, parts, strict=True):
        contents = plain.header(file) + part.astype(np.uint8).tobytes()
        (folder / file).write_bytes(contents)
        digests[file] = hashlib.sha256(contents).hexdigest()
    return DataSet(name, name.title(), names(classes), train, test, digests, shape)
