"""Reads the rows of the next batch from the disk beside the training, where a set is too large to stay in memory.

By default the system reads 128 kB around each missing page, and the training waits for each of them. With a set of
4.2 GB in 2 GB of memory, picking 10,000 rows of 12 kB took 41 s so, and 2 s with what is done here (docs/data.md).
"""

import ctypes
import functools
import mmap

import torch

from suite.data.frozen import LARGE

WILL_NEED: int | None = getattr(mmap, "MADV_WILLNEED", None)  # None on systems without it


def read_ahead(images: torch.Tensor, rows: torch.Tensor | slice) -> None:
    """Ask the system for these rows, which may end beyond the last image; does not wait for them.

    `images` are mapped from a file; if they are smaller than `LARGE`, or on another device, nothing is done.
    """
    if WILL_NEED is None or images.nbytes < LARGE or images.device.type != "cpu":
        return
    pieces = [rows.indices(len(images))[:2]] if isinstance(rows, slice) else [(row, row + 1) for row in rows.tolist()]
    address, size = images.data_ptr(), images.stride(0) * images.element_size()
    for first, last in pieces:
        if first < last:
            _advise(address + first * size, address + last * size, WILL_NEED)


def _advise(start: int, end: int, advice: int) -> None:
    page = start - start % mmap.PAGESIZE
    _system().madvise(ctypes.c_void_p(page), ctypes.c_size_t(end - page), advice)  # a refusal costs only time


@functools.cache
def _system() -> ctypes.CDLL:
    """The system's library, opened once: `_advise` is called for each image."""
    return ctypes.CDLL(None)
