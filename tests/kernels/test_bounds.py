"""The kernels read and write their own parts of the memory alone: not between two parts, and nothing beyond the end."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from suite.engine.build import torchs_optimizer
from suite.kernels import network
from suite.kernels.memory import GAP, Memory
from suite.kernels.network import Kernels
from tests.conftest import plain_environment
from tests.kernels.drawn import About

SHAPE = (2, 11, 13)


def odd() -> nn.Sequential:
    """Numbers that no vector divides, each kind of layer, a stride and padding."""
    return nn.Sequential(
        nn.Conv2d(2, 7, (3, 5), padding=(2, 1)), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(7, 5, 3, 2, 3, bias=False),
        nn.BatchNorm2d(5), nn.LeakyReLU(), nn.Sigmoid(), nn.AvgPool2d(3, 2, 1), nn.Dropout(0.3), nn.Flatten(),
        nn.Linear(45, 9), nn.GELU(), nn.Linear(9, 3), nn.Tanh(),
    )  # fmt: skip


ABOUT = About(SHAPE, 3, 37, optimizer="adam", lr=0.01, weight_decay=0.1)


def trained() -> tuple[Kernels, list[torch.Tensor]]:
    """Three steps and an evaluation; everything that came of them."""
    torch.manual_seed(0)
    model = odd()
    kernels = Kernels(model, torchs_optimizer(ABOUT, model), ABOUT)
    losses = []
    for n in (37, 9, 3):
        images, labels = batch(n)
        losses.append(kernels.step(images, labels)[0])
    scores = kernels.scores(*batch(35))
    return kernels, [*model.state_dict().values(), torch.tensor(losses), torch.tensor(scores[0]), *scores[1:]]


def batch(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    images = torch.randint(0, 256, (n, *SHAPE), generator=generator, dtype=torch.uint8)
    return images, torch.randint(0, 3, (n,), generator=generator)


def test_nothing_is_read_or_written_between_two_parts(monkeypatch):
    parts: list[tuple[int, int]] = []
    take = Memory.take

    def noted(self: Memory, count: int, *values: float) -> int:
        first = take(self, count, *values)
        parts.append((first, count))
        return first

    def filled(count: int) -> np.ndarray:
        whole = plain(count)
        gaps[:] = np.setdiff1d(np.arange(count), np.concatenate([np.arange(a, a + n) for a, n in parts]))
        whole[gaps] = np.nan
        return whole

    gaps: list[int] = []
    plain = network._zeros
    _, wanted = trained()
    monkeypatch.setattr(Memory, "take", noted)
    monkeypatch.setattr(network, "_zeros", filled)

    kernels, found = trained()

    assert len(gaps) >= GAP * len(parts) // 2
    assert bool(np.isnan(kernels.array[gaps]).all())
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
    assert all(bool(torch.isfinite(one).all()) for one in found)


@pytest.mark.parametrize("value", [float("nan"), 3e38])
def test_what_the_memory_held_before_a_step_does_not_matter(monkeypatch, value):
    """Room for images, gradients and intermediate numbers is written before it is read."""
    _, wanted = trained()
    plain = network._zeros

    def filled(count: int) -> np.ndarray:
        whole = plain(count)
        whole[:] = value
        return whole

    monkeypatch.setattr(network, "_zeros", filled)
    monkeypatch.setattr(network.planning, "made", _with_zeros(network.planning.made))

    _, found = trained()

    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


def _with_zeros(made):
    """The plan, which asks for zeros where it needs them: sums, gradients, the optimiser's numbers and ZEROS."""
    from suite.kernels import fields as f

    def plan(operations, parameters, most):
        found = made(operations, parameters, most)
        needed = [(found.weights.values, 4 * found.weights.count + 8 * GAP), (int(found.training[0, f.ZEROS]), 48)]
        for row in found.training:
            if row[f.SUMS] >= 0:
                groups = -(-row[f.OUT] // row[f.GROUP]) * row[f.GROUP]
                needed += [
                    (row[f.SUMS], groups * row[f.IN] * row[f.KH] * row[f.KW] * 16),
                    (row[f.BIASES], row[f.OUT] * 16),
                ]
        for first, count in needed:
            found.memory.values = {int(first) + k: 0.0 for k in range(int(count))} | found.memory.values
        return found

    return plan


GUARDED = """
import ctypes, mmap
import numpy as np, torch
from suite.kernels import network
from tests.kernels import test_bounds

PAGE, libc, kept = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True), []

def between_guards(size):
    "So many bytes whose last one is the last before a page that may not be touched; another is before them."
    pages = -(-size // PAGE) + 2
    whole = mmap.mmap(-1, pages * PAGE)
    kept.append(whole)
    start = ctypes.addressof(ctypes.c_char.from_buffer(whole))
    for page in (0, pages - 1):
        assert libc.mprotect(ctypes.c_void_p(start + page * PAGE), PAGE, 0) == 0
    return memoryview(whole)[(pages - 1) * PAGE - size : (pages - 1) * PAGE]

def moved(tensor):
    other = torch.frombuffer(between_guards(tensor.numel() * tensor.element_size()), dtype=tensor.dtype)
    return other.view(tensor.shape).copy_(tensor)

_, wanted = test_bounds.trained()
batch = test_bounds.batch
network._zeros = lambda count: np.frombuffer(between_guards(4 * count), np.float32)
test_bounds.batch = lambda n: tuple(map(moved, batch(n)))
_, found = test_bounds.trained()
assert all(torch.equal(one, other) for one, other in zip(found, wanted))
print("as before")
"""


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="mprotect is called as Linux has it")
def test_nothing_is_touched_beyond_either_end():
    done = subprocess.run([sys.executable, "-c", GUARDED], env=plain_environment(), capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "as before\n"), done.stderr
