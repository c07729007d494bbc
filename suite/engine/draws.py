"""Every random draw is a function of (seed, purpose, n), so a resumed run draws what an unbroken one would."""

import hashlib

import torch


def draw(seed: int, purpose: str, n: int) -> int:
    """A 63-bit number that depends on its three arguments alone."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{n}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def set_seed(seed: int, purpose: str, n: int) -> None:
    """Start torch's global generator, which initialisation and dropout draw from, for one purpose."""
    torch.manual_seed(draw(seed, purpose, n))


def permutation(images: int, seed: int, epoch: int) -> torch.Tensor:
    """The order of one epoch's images: int64 (images,)."""
    generator = torch.Generator().manual_seed(draw(seed, "order", epoch))
    return torch.randperm(images, generator=generator)
