"""Batches from images in memory: the stored bytes are selected by index, one batch at a time."""

from collections.abc import Callable, Iterator

import torch

from suite.engine.paging import read_ahead
from suite.engine.sets import Labelled
from suite.recipe import Recipe

Batch = tuple[torch.Tensor, torch.Tensor]


def normalised(images: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Images uint8 (n, channels, height, width) as float32, divided by 255 and normalised as the recipe says."""
    pixels = images.float().div_(255)
    if recipe.normalize:
        mean, std = recipe.normalize
        pixels.sub_(mean).div_(std)
    return pixels


def batches(
    given: Labelled,
    size: int,
    order: torch.Tensor | None = None,
    change: Callable[[int, torch.Tensor], torch.Tensor] | None = None,
) -> Iterator[Batch]:
    """Batches (bytes, labels) of `size` images, in the given or the stored order; the last batch may be smaller.

    `change` gets the number of each batch and its stored bytes, and returns others.
    """
    for number, start in enumerate(range(0, len(given.labels), size)):
        read_ahead(given.images, given.where(order, start + size, start + 2 * size))
        images, labels = given.pick(order, start, start + size)
        yield change(number, images) if change else images, labels
