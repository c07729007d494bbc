"""Data sets as tensors, read from IDX files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.data.catalog import data_set
from suite.data.dataset import FILES, DataSet
from suite.errors import SuiteError, machine_error

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True, eq=False)
class Data:
    """A data set in memory: images uint8 of shape (n, channels, height, width), labels int64 of shape (n,).

    `names` are the names of the classes.
    The images are memory-mapped files: all processes share their pages, and a write changes only its own process.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    names: tuple[str, ...] = ()


def load(name: str, folder: Path) -> Data:
    """The tensors of a data set from the folder that `ensure` returned.

    Checks only lengths and headers, because `ensure` has checked the SHA-256. Raises `SuiteError`: 2 if a length or
    header is wrong, 3 if a file cannot be read.
    """
    train_images, train_labels, test_images, test_labels = _tensors(name, folder, FILES)
    return Data(train_images, train_labels, test_images, test_labels, data_set(name).classes)


def load_training(name: str, folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The images and labels of the training set; the files of the test set are not opened. Raises as `load` does."""
    images, labels = _tensors(name, folder, FILES[:2])
    return images, labels


def _tensors(name: str, folder: Path, files: Sequence[str]) -> list[torch.Tensor]:
    data = data_set(name)
    for file in files:
        _check_header(data, folder / file)
    return [_tensor(data, folder / file) for file in files]


def test_images(name: str, folder: Path) -> np.ndarray:
    """The test images of a data set as a memory map, uint8 (n, channels, height, width); works without torch."""
    return _images(data_set(name), folder / FILES[2])


def _images(data: DataSet, path: Path) -> np.ndarray:
    import numpy as np

    # Mode "c" (copy on write), because torch warns about read-only arrays.
    return np.memmap(path, np.uint8, mode="c", offset=len(data.header(path.name))).reshape(-1, *data.shape)


def _check_header(data: DataSet, path: Path) -> None:
    header, size = data.header(path.name), data.size(path.name)
    try:
        found = path.stat().st_size
        if found == size:
            with path.open("rb") as file:
                if file.read(len(header)) == header:
                    return
    except OSError as error:
        raise machine_error(error, path) from error
    raise SuiteError(
        f"{path}: no longer the file of {data.title}: expected {size:,} bytes with its IDX header,"
        f" found {'another header' if found == size else f'{found:,} bytes'}.",
        "Delete that file and run again.",
    )


def _tensor(data: DataSet, path: Path) -> torch.Tensor:
    """Images mapped from their file, or labels read and converted to int64, which torch's losses require."""
    import numpy as np
    import torch

    header = len(data.header(path.name))
    if path.name.endswith("idx1-ubyte"):
        return torch.from_numpy(np.fromfile(path, np.uint8, offset=header).astype(np.int64))
    return torch.from_numpy(_images(data, path))
