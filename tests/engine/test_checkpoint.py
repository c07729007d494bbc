"""Checkpoints come back as they were written, or not at all."""

import random

import pytest
import torch

from suite.engine import checkpoint
from suite.errors import SuiteError


def save(path):
    tensors = {"weights": torch.arange(64.0), "steps": torch.tensor(7), "mask": torch.tensor([True, False])}
    checkpoint.save(path, tensors, {"epoch": 3, "history": [{"loss": 0.5}]})
    return tensors


def flip_one_bit(contents, random):
    place = random.randrange(len(contents) * 8)
    changed = bytearray(contents)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def cut_short(contents, random):
    return contents[: random.randrange(len(contents))]


def garbage(contents, random):
    return random.randbytes(len(contents))


def test_tensors_and_facts_come_back_as_they_were_saved(tmp_path):
    tensors = save(tmp_path / "checkpoint")

    loaded, facts = checkpoint.load(tmp_path / "checkpoint")

    assert facts == {"epoch": 3, "history": [{"loss": 0.5}]}
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert all(loaded[name].dtype == tensors[name].dtype for name in tensors)


@pytest.mark.parametrize("damage", [flip_one_bit, cut_short, garbage])
@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_checkpoint_is_refused_and_left_as_it_was(tmp_path, damage, seed):
    path = tmp_path / "checkpoint"
    save(path)
    damaged = damage(path.read_bytes(), random.Random(seed))
    path.write_bytes(damaged)

    with pytest.raises(SuiteError, match="is damaged") as refused:
        checkpoint.load(path)

    assert refused.value.code == 2
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == damaged


def test_equal_tensors_have_equal_digests_whatever_their_order_or_layout():
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}
    strided = torch.arange(12.0).reshape(2, 6)
    other = {"b": torch.ones(2), "a": torch.stack([strided[0, :3], torch.tensor([3.0, 4.0, 5.0])]).t().contiguous().t()}

    assert checkpoint.digest(other) == checkpoint.digest(tensors)


@pytest.mark.parametrize(
    "other",
    [
        {"a": torch.tensor([1.0, 2.0])},
        {"b": torch.tensor([1.0, 3.0])},
        {"b": torch.tensor([[1.0, 2.0]])},
        {"b": torch.tensor([1.0, 2.0], dtype=torch.float64)},
    ],
)
def test_another_name_value_shape_or_type_has_another_digest(other):
    assert checkpoint.digest(other) != checkpoint.digest({"b": torch.tensor([1.0, 2.0])})


def test_tensors_that_share_memory_can_be_saved(tmp_path):
    weights = torch.arange(4.0)

    checkpoint.save_tensors(tmp_path / "weights", {"one": weights, "same": weights, "part": weights[:2]})

    assert torch.equal(checkpoint.load_tensors(tmp_path / "weights")["same"], weights)
