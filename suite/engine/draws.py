"""Random numbers as a function of (seed, purpose, n), so a resumed run draws the same as an uninterrupted one."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def draw(seed: int, purpose: str, n: int) -> int:
    """A 63-bit number that depends only on the three arguments."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{n}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def set_seed(seed: int, purpose: str, n: int) -> None:
    """Seed the global generators of torch (initialisation and dropout use it), numpy and Python for one purpose."""
    number = draw(seed, purpose, n)
    torch.manual_seed(number)
    np.random.seed(number % 2**32)
    random.seed(number)


@contextmanager
def own_draws() -> Iterator[None]:
    """Let a network be built in here; then the global generators go on as if nothing had drawn from them."""
    before = np.random.get_state(), random.getstate()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            np.random.set_state(before[0])
            random.setstate(before[1])


def permutation(images: int, seed: int, epoch: int) -> torch.Tensor:
    """The random order of the images in one epoch: int64 (images,)."""
    generator = torch.Generator().manual_seed(draw(seed, "order", epoch))
    return torch.randperm(images, generator=generator)
