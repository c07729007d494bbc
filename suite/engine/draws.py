"""Random numbers as a function of (seed, purpose, n), so a resumed run draws the same as an uninterrupted one."""

import hashlib

import torch


def draw(seed: int, purpose: str, n: int) -> int:
    """A 63-bit number that depends only on the three arguments."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{n}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def set_seed(seed: int, purpose: str, n: int) -> None:
    """Seed torch's global generator, which initialisation and dropout use, for one purpose."""
    torch.manual_seed(draw(seed, purpose, n))


def permutation(images: int, seed: int, epoch: int) -> torch.Tensor:
    """The random order of the images in one epoch: int64 (images,)."""
    generator = torch.Generator().manual_seed(draw(seed, "order", epoch))
    return torch.randperm(images, generator=generator)
