import sys
from pathlib import Path

import pytest
import torch

from suite.data import load
from suite.data.dataset import FILES
from suite.errors import SuiteError

from .damage import put

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def folder(mnist, tmp_path):
    put(mnist, tmp_path / "set")
    return tmp_path / "set"


def test_images_are_bytes_of_28_by_28_and_labels_whole_numbers(folder, mnist):
    data = load("mnist", folder)

    assert data.train_images.dtype == data.test_images.dtype == torch.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == torch.int64
    assert data.train_images.shape == (30, 1, 28, 28)
    assert data.test_images.shape == (10, 1, 28, 28)
    assert bytes(data.test_images.numpy().tobytes()) == mnist["t10k-images-idx3-ubyte"][16:]
    assert data.train_labels.tolist() == list(mnist["train-labels-idx1-ubyte"][8:])


def test_a_write_to_an_image_stays_in_its_process(folder, mnist):
    data = load("mnist", folder)

    data.train_images.zero_()

    assert (folder / IMAGES).read_bytes() == mnist[IMAGES]
    assert load("mnist", folder).train_images.sum() > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the maps of a process are in /proc on Linux only")
def test_images_are_mapped_so_that_processes_share_their_pages(folder):
    data = load("mnist", folder)

    assert str(folder / IMAGES) in Path("/proc/self/maps").read_text()
    assert len(data.train_images) == 30


def cut(body):
    return body[:-1]


def lengthen(body):
    return body + b"\0"


def empty(_):
    return b""


def other_header(body):
    return body[:3] + b"\x09" + body[4:]


@pytest.mark.parametrize("damage", [cut, lengthen, empty, other_header])
@pytest.mark.parametrize("file", FILES)
def test_a_file_that_changed_shape_since_it_was_checked_is_refused(folder, mnist, file, damage):
    (folder / file).write_bytes(damage(mnist[file]))

    with pytest.raises(SuiteError, match=r"no longer the file of MNIST: expected .* bytes") as error:
        load("mnist", folder)

    assert str(folder / file) in str(error.value)
    assert error.value.code == 2


def test_a_file_that_went_away_is_a_fault_of_the_machine(folder):
    (folder / IMAGES).unlink()

    with pytest.raises(SuiteError, match="no such file") as error:
        load("mnist", folder)

    assert error.value.code == 3
