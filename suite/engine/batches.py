"""Batches straight from memory: the stored bytes, picked by index and normalised a batch at a time."""

from collections.abc import Iterator

import torch

from suite.recipe import Recipe

Batch = tuple[torch.Tensor, torch.Tensor]


def normalised(images: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Bytes (n, 28, 28) as the floats (n, 1, 28, 28) that the recipe asks for."""
    pixels = images.unsqueeze(1).float().div_(255)
    if recipe.normalize:
        mean, std = recipe.normalize
        pixels.sub_(mean).div_(std)
    return pixels


def batches(
    images: torch.Tensor, labels: torch.Tensor, recipe: Recipe, size: int, order: torch.Tensor | None = None
) -> Iterator[Batch]:
    """Batches of at most `size`, in the order given or as stored; the last one may be smaller."""
    for start in range(0, len(labels), size):
        if order is None:
            yield normalised(images[start : start + size], recipe), labels[start : start + size]
        else:
            chosen = order[start : start + size]  # `index_select` copies a row at a time, indexing a byte at a time
            yield normalised(images.index_select(0, chosen), recipe), labels.index_select(0, chosen)
