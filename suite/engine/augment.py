"""Changes of a batch of images before a training step. All work on bytes, and all draws come from one generator."""

from collections.abc import Callable

import torch
from torch.nn import functional

from suite.engine.draws import draw
from suite.engine.own import own_augment
from suite.recipe import Recipe
from suite.recipe.arguments import Functions
from suite.recipe.augmenting import changes

Change = Callable[[torch.Tensor, int, torch.Generator], torch.Tensor]


def augmenting(
    recipe: Recipe, functions: Functions, seed: int, epoch: int
) -> Callable[[int, torch.Tensor], torch.Tensor] | None:
    """A function of a batch's number and images (uint8, whose last two dimensions are height and width); None if none.

    The draws depend on seed, epoch and batch alone: a resumed epoch draws the same.
    """
    if not recipe.augment:
        return None
    kinds = {**_KINDS, "own": own_augment(recipe, functions)}
    chosen = [(kinds[kind], amount) for kind, amount in changes(recipe.augment)]

    def change(batch: int, images: torch.Tensor) -> torch.Tensor:
        generator = torch.Generator().manual_seed(draw(seed, f"augment {epoch}", batch))
        found = images.reshape(len(images), -1, *images.shape[-2:])
        for function, amount in chosen:
            found = function(found, amount, generator)
        return found.reshape(images.shape)

    return change


def crop(images: torch.Tensor, pixels: int, generator: torch.Generator) -> torch.Tensor:
    """Each image moved by up to so many pixels in both directions; what comes in from outside is 0."""
    height, width = images.shape[-2:]
    padded = functional.pad(images, (pixels, pixels, pixels, pixels))
    tops, lefts = (_numbers(2 * pixels + 1, len(images), generator).to(images.device) for _ in range(2))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (n, channels, top, left, height, width)
    return windows[torch.arange(len(images), device=images.device), :, tops, lefts]


def flip(images: torch.Tensor, _none: int, generator: torch.Generator) -> torch.Tensor:
    """Each image mirrored left to right, or not, with equal chance."""
    mirrored = _numbers(2, len(images), generator).bool().to(images.device)
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def rotate(images: torch.Tensor, degrees: int, generator: torch.Generator) -> torch.Tensor:
    """Each image turned by up to so many degrees to either side, bilinear; what comes in from outside is 0."""
    angles = (torch.rand(len(images), generator=generator) * 2 - 1) * (degrees * torch.pi / 180)
    stretch = images.shape[-2] / images.shape[-1]  # the grid has -1 to 1 for both sides of an oblong image
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    rows = torch.stack([cos, -sin * stretch, zero, sin / stretch, cos, zero], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(rows.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images.float(), grid, align_corners=False).round_().to(torch.uint8)


def erase(images: torch.Tensor, pixels: int, generator: torch.Generator) -> torch.Tensor:
    """In each image a square of so many pixels set to 0; its centre is anywhere in the image (Cutout)."""
    inside = []
    for size in images.shape[-2:]:
        centres = _numbers(size, len(images), generator).to(images.device)
        first = centres[:, None] - pixels // 2
        places = torch.arange(size, device=images.device)
        inside.append((places >= first) & (places < first + pixels))
    return images.masked_fill((inside[0][:, :, None] & inside[1][:, None, :])[:, None], 0)


def _numbers(below: int, count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(below, (count,), generator=generator)


_KINDS: dict[str, Change] = {
    "crop": crop, "flip": flip, "rotate": rotate, "erase": erase,
}  # fmt: skip
