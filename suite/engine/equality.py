"""Whether tensors are equal to the bit."""

from collections.abc import Sequence

import torch


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors have the same shape, type and values; NaN equals NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(torch.equal(one, other) or torch.allclose(one, other, rtol=0, atol=0, equal_nan=True))


def all_same(some: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> bool:
    """Whether two sequences have as many tensors, the same in turn."""
    return len(some) == len(others) and all(map(same, some, others))
