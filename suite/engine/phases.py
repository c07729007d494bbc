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
        self._places = _places(*conv.weight.shape[1:])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, channels, height, width) to pooled values, in memory with their channels last."""
        top, left = self.conv.padding
        padded = functional.pad(images, (left, left, top, top)) if top or left else images.contiguous()
        phases = _Phases.apply(padded, self.conv.weight, self.conv.bias, *self._places)
        if self.activation is not None:
            phases = self.activation(phases)
        pooled = _Largest.apply(phases) if isinstance(self.pool, nn.MaxPool2d) else phases.sum(1).mul(0.25)
        channels, *rest = pooled.shape
        return pooled.view(channels, -1).t().contiguous().view(*rest, channels).permute(0, 3, 1, 2)


class _Phases(torch.autograd.Function):  # type: ignore[misc]
    """Images and a layer's parameters to its outputs as (channels, 4, n, height / 2, width / 2)."""

    @staticmethod
    def forward(
        ctx: Any,
        images: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        sources: torch.Tensor,
        places: torch.Tensor,
    ) -> torch.Tensor:
        patches, size = _patches(images, weight.shape[2], weight.shape[3])
        channels = len(weight)
        numbers = torch.cat((weight.reshape(channels, -1), bias.unsqueeze(1), bias.new_zeros(channels, 1)), 1)
        moved = numbers.index_select(1, sources).view(-1, len(patches))
        ctx.save_for_backward(patches, places)
        ctx.shape = weight.shape
        return (moved @ patches).view(channels, 4, *size)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        patches, places = ctx.saved_tensors
        moved = gradients[0].reshape(-1, patches.shape[1]) @ patches.t()
        numbers = moved.view(ctx.shape[0], -1).index_select(1, places).view(ctx.shape[0], 4, -1).sum(1)
        return None, numbers[:, :-1].reshape(ctx.shape), numbers[:, -1], None, None


class _Largest(torch.autograd.Function):  # type: ignore[misc]
    """The largest of the four phases; of equal ones the first gets the gradient, as in max-pooling."""

    @staticmethod
    def forward(ctx: Any, phases: torch.Tensor) -> torch.Tensor:
        above, below = torch.maximum(phases[:, 0], phases[:, 1]), torch.maximum(phases[:, 2], phases[:, 3])
        ctx.save_for_backward(phases, above, below)
        return torch.maximum(above, below)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        phases, above, below = ctx.saved_tensors
        found = torch.empty_like(phases)
        wins = torch.ge(above, below, out=torch.empty_like(above)).mul_(gradients[0])
        for first, gradient in ((0, wins), (2, gradients[0] - wins)):
            torch.ge(phases[:, first], phases[:, first + 1], out=found[:, first]).mul_(gradient)
            torch.sub(gradient, found[:, first], out=found[:, first + 1])
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


def _places(channels: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each number in the four moved kernels, which weight it is, or the bias, or zero; and where each of these went.

    A kernel's numbers are its weights, its bias and a zero; a moved kernel's are a patch and the bias.
    """
    count = channels * height * width
    weights = torch.arange(count).view(channels, height, width)
    moved = [functional.pad(weights, (right, 1 - right, down, 1 - down), value=count + 1) for down, right in PHASES]
    sources = torch.stack([torch.cat((kernel.flatten(), torch.tensor([count]))) for kernel in moved])
    places = sources.flatten().argsort(stable=True)[: 4 * (count + 1)].view(count + 1, 4)
    return sources.flatten(), places.t().flatten()
