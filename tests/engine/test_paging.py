"""The rows of the next batch of a large set are read from the disk beside the training, and no others."""

import ctypes
import mmap
import os
import sys
import time

import numpy as np
import pytest
import torch

from suite.engine import batches, paging
from suite.engine.sets import Labelled, stratified

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mincore and fadvise are Linux's")
PAGES = 4_000  # one row a page


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Images of one page each, mapped from a file of which nothing is in memory; they count as a large set."""
    monkeypatch.setattr(paging, "LARGE", 0)
    path = tmp_path / "images"
    chance = np.random.default_rng(0)
    path.write_bytes(chance.bytes(PAGES * mmap.PAGESIZE))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    mapped = np.memmap(path, np.uint8, mode="c").reshape(PAGES, 1, 64, -1)
    mapped.base.base.madvise(mmap.MADV_RANDOM)
    found = torch.from_numpy(mapped)
    if in_memory(found):
        pytest.skip("the file system keeps its files in memory")
    return found


def in_memory(images):
    """The numbers of the rows whose page is in memory."""
    found = (ctypes.c_ubyte * PAGES)()
    failed = ctypes.CDLL(None).mincore(
        ctypes.c_void_p(images.data_ptr()), ctypes.c_size_t(PAGES * mmap.PAGESIZE), found
    )
    assert not failed
    return {number for number, page in enumerate(found) if page & 1}


def wait_until_in_memory(images, rows):
    end = time.monotonic() + 30
    while in_memory(images) < rows and time.monotonic() < end:
        time.sleep(0.01)
    assert in_memory(images) == rows


def test_the_rows_of_the_next_batch_are_read_and_no_others(images):
    order = torch.randperm(PAGES, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(PAGES, dtype=torch.long)

    next(batches.batches(Labelled(images, labels), 4, order))

    wait_until_in_memory(images, {*order[:8].tolist()})


def test_a_trial_reads_the_rows_of_its_part_and_copies_nothing(images):
    training = stratified("any", (images, torch.arange(PAGES) % 10)).training
    order = torch.randperm(len(training.labels), generator=torch.Generator().manual_seed(0))
    assert training.images.data_ptr() == images.data_ptr()

    next(batches.batches(training, 4, order))

    wait_until_in_memory(images, {*training.rows[order[:8]].tolist()})


def test_in_the_stored_order_the_next_piece_is_read(images):
    paging.read_ahead(images, slice(PAGES - 3, PAGES + 5))

    wait_until_in_memory(images, {PAGES - 3, PAGES - 2, PAGES - 1})


def test_after_the_last_batch_nothing_is_asked_for(images):
    paging.read_ahead(images, slice(PAGES, PAGES + 4))
    paging.read_ahead(images, torch.arange(0))

    assert in_memory(images) == set()


def test_a_smaller_set_is_left_to_the_system(images, monkeypatch):
    monkeypatch.setattr(paging, "LARGE", images.nbytes + 1)

    paging.read_ahead(images, slice(0, 4))

    assert in_memory(images) == set()
