"""A first convolution whose output is pooled two by two, as one matrix product and without a gradient for the images.

Of the four outputs that a 2 × 2 pool looks at, each is a `phase`: the same kernel, moved by no or one pixel. The four
moved kernels, each one pixel wider and zero in its margin, make a convolution of stride 2. Its patches are the columns
of one matrix, shared by both directions, and a pool becomes arithmetic between whole blocks of memory.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))  # as max-pooling looks at them: of equal values the first one wins


class PooledConvolution(nn.Module):  # type: ignore[misc]  # torch is read as untyped
    """What `conv`, `activation` and a 2 × 2 `pool` give for images that need no gradient; parameters stay the layer's.

    The activation comes before the pool, or not at all.
    """

    def __init__(self, conv: nn.Conv2d, activation: nn.Module | None, pool: nn.MaxPool2d | nn.AvgPool2d) -> None:
        super().__init__()
        self.conv, self.activation, self.pool = conv, activation, pool

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, channels, height, width) to pooled values, in memory with their channels last."""
        top, left = self.conv.padding
        padded = functional.pad(images, (left, left, top, top)) if top or left else images.contiguous()
        phases = _Phases.apply(padded, self.conv.weight, self.conv.bias)
        if self.activation is not None:
            phases = self.activation(phases)
        pooled = _Largest.apply(phases) if isinstance(self.pool, nn.MaxPool2d) else phases.sum(0).mul(0.25)
        channels, *rest = pooled.shape
        return pooled.view(channels, -1).t().contiguous().view(*rest, channels).permute(0, 3, 1, 2)


class _Phases(torch.autograd.Function):  # type: ignore[misc]
    """Images and a layer's parameters to its outputs as (4, channels, n, height / 2, width / 2)."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        patches, size = _patches(images, weight.shape[2], weight.shape[3])
        moved = weight.new_zeros(4, len(weight), len(patches))
        for kernel, place in zip(moved, _places(moved, weight.shape), strict=True):
            place.copy_(weight)
            kernel[:, -1] = bias
        ctx.save_for_backward(patches)
        ctx.shape = weight.shape
        return (moved.view(-1, len(patches)) @ patches).view(4, len(weight), *size)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, torch.Tensor, torch.Tensor]:
        (patches,) = ctx.saved_tensors
        moved = (gradients[0].reshape(-1, patches.shape[1]) @ patches.t()).view(4, -1, len(patches))
        one, two, three, four = _places(moved, ctx.shape)
        return None, one + two + three + four, moved[..., -1].sum(0)


class _Largest(torch.autograd.Function):  # type: ignore[misc]
    """The largest of the four phases; of equal ones the first gets the gradient, as in max-pooling."""

    @staticmethod
    def forward(ctx: Any, phases: torch.Tensor) -> torch.Tensor:
        above, below = torch.maximum(phases[0], phases[1]), torch.maximum(phases[2], phases[3])
        ctx.save_for_backward(phases, above, below)
        return torch.maximum(above, below)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        phases, above, below = ctx.saved_tensors
        found = torch.empty_like(phases)
        wins = torch.ge(above, below, out=torch.empty_like(above)).mul_(gradients[0])
        for first, gradient in ((0, wins), (2, gradients[0] - wins)):
            torch.ge(phases[first], phases[first + 1], out=found[first]).mul_(gradient)
            torch.sub(gradient, found[first], out=found[first + 1])
        return found


def _patches(images: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, tuple[int, int, int]]:
    """Every second patch, one pixel larger than the kernel, as a column with a one below it; and how many there are."""
    n, channels, rows, columns = images.shape
    size = n, (rows - height + 1) // 2, (columns - width + 1) // 2
    whole, row, column, _ = images.stride()
    seen = images.as_strided(
        (channels, height + 1, width + 1, *size), (row, column, 1, whole, 2 * column, 2), images.storage_offset()
    )
    patches = images.new_empty(channels * (height + 1) * (width + 1) + 1, size[0] * size[1] * size[2])
    patches[:-1].view(seen.shape).copy_(seen)
    patches[-1] = 1
    return patches, size


def _places(moved: torch.Tensor, shape: torch.Size) -> list[torch.Tensor]:
    """Where each of the four moved kernels (4, channels, patch) holds the layer's own weights, as views of it."""
    _, inputs, height, width = shape
    kernels = moved[..., :-1].unflatten(2, (inputs, height + 1, width + 1))
    return [
        kernel[:, :, down : down + height, right : right + width]
        for kernel, (down, right) in zip(kernels, PHASES, strict=True)
    ]
