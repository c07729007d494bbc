"""The arrays of a data set, from IDX files or from frozen arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from suite.data import frozen, idx
from suite.data.catalog import data_set
from suite.data.dataset import DataSet
from suite.data.idx import Data

if TYPE_CHECKING:
    import numpy as np
    import torch


def load(name: str, folder: Path) -> Data:
    """The tensors of a data set from the folder that `ensure` returned, mapped and not copied.

    Checks only shapes and headers, because `ensure` has checked the SHA-256. Raises `SuiteError`: 2 if a file is
    another one, 3 if it cannot be read.
    """
    data = data_set(name)
    if not data.frozen:
        return idx.load(name, folder)
    train_images, train_labels, test_images, test_labels = _tensors(data, folder, frozen.ARRAYS)
    return Data(train_images, train_labels, test_images, test_labels, data.classes)


def load_training(name: str, folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The images and labels of the training set; the files of the test set are not opened. Raises as `load` does."""
    data = data_set(name)
    if not data.frozen:
        return idx.load_training(name, folder)
    images, labels = _tensors(data, folder, frozen.ARRAYS[:2])
    return images, labels


def test_images(name: str, folder: Path) -> np.ndarray:
    """The test images as a memory map, uint8 (n, channels, height, width); works without torch."""
    data = data_set(name)
    if data.frozen:
        return frozen.mapped(folder, data, frozen.ARRAYS[2])
    return idx.test_images(name, folder)


def _tensors(data: DataSet, folder: Path, names: tuple[str, ...]) -> list[torch.Tensor]:
    """Images as mapped, labels as int64, which torch's losses require."""
    import numpy as np
    import torch

    arrays = [frozen.mapped(folder, data, file) for file in names]
    return [
        torch.from_numpy(array.astype(np.int64) if "labels" in file else array)
        for file, array in zip(names, arrays, strict=True)
    ]
