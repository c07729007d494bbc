"""The split of the images: training, validation, probes and test."""

from dataclasses import dataclass
from typing import NamedTuple

import torch

from suite.data import Data
from suite.engine.draws import draw
from suite.recipe import Recipe
from suite.recipe.trial import VALIDATION


class Labelled(NamedTuple):
    """Images uint8 (n, channels, height, width) with their labels int64 (n,).

    With `rows` int64 (n,) they are those rows of `images`, which are more than n then: a set larger than the memory is
    never copied. The labels are always those of the n images.
    """

    images: torch.Tensor
    labels: torch.Tensor
    rows: torch.Tensor | None = None

    def pick(self, order: torch.Tensor | None, start: int, end: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The images and labels from `start` to `end` of an order int64 (n,) (None: the stored order)."""
        rows = self.where(order, start, end)
        labels = self.labels[start:end] if order is None else self.labels.index_select(0, order[start:end])
        # `index_select` copies whole rows, while indexing copies single bytes
        return self.images[rows] if isinstance(rows, slice) else self.images.index_select(0, rows), labels

    def where(self, order: torch.Tensor | None, start: int, end: int) -> torch.Tensor | slice:
        """The rows of `images` from `start` to `end` of an order."""
        if order is None:
            return slice(start, end) if self.rows is None else self.rows[start:end]
        return order[start:end] if self.rows is None else self.rows.index_select(0, order[start:end])

    def to(self, device: torch.device) -> "Labelled":
        """The same in the memory of a device: its own rows alone are copied there, and on the CPU nothing."""
        if device.type == "cpu":
            return self
        return Labelled(*(part.to(device) for part in self.pick(None, 0, len(self.labels))))


@dataclass(frozen=True, eq=False)
class Sets:
    """The images of one training; `probes` are the test images that the source evaluates during an epoch.

    `test` are all test images. They are evaluated after each epoch, to measure the time to a target accuracy. Neither
    `probes` nor `test` is used to select anything.
    """

    training: Labelled
    validation: Labelled | None = None
    probes: Labelled | None = None
    test: Labelled | None = None


def published(recipe: Recipe, data: Data) -> Sets:
    """The split that the recipe describes: the last training batches validate, and the first test images are probes."""
    images = recipe.training_images()
    held_out = data.train_images[images:], data.train_labels[images:]
    probed = data.test_images[: recipe.probe_images], data.test_labels[: recipe.probe_images]
    return Sets(
        Labelled(data.train_images[:images], data.train_labels[:images]),
        Labelled(*held_out) if recipe.holdout else None,
        Labelled(*probed) if recipe.probe_every else None,
        Labelled(data.test_images, data.test_labels),
    )


def stratified(name: str, training: tuple[torch.Tensor, torch.Tensor]) -> Sets:
    """A stratified split: one of `VALIDATION` training images validates. The split depends only on the data and `name`.

    The classes have the same shares in both parts, up to rounding. Both parts keep the original order, and their images
    are rows of the images (n, channels, height, width) of `training`, which has labels int64 (n,) too.
    """
    images, labels = training
    validates = torch.zeros(len(labels), dtype=torch.bool)
    for kind, wanted in enumerate(_quotas(torch.bincount(labels), len(labels) // VALIDATION)):
        members = (labels == kind).nonzero().flatten()
        generator = torch.Generator().manual_seed(draw(0, f"validation of {name}", kind))
        validates[members[torch.randperm(len(members), generator=generator)[:wanted]]] = True
    trained, held_out = (~validates).nonzero().flatten(), validates.nonzero().flatten()
    return Sets(*(Labelled(images, labels.index_select(0, rows), rows) for rows in (trained, held_out)))


def _quotas(members: torch.Tensor, total: int) -> list[int]:
    """`total` divided in proportion to `members`, as whole numbers; the largest remainders are rounded up."""
    exact = members.double() * total / members.sum()
    quotas = exact.floor().long()
    rounded_up = (exact - quotas).argsort(descending=True, stable=True)[: total - int(quotas.sum())]
    quotas[rounded_up] += 1
    return [int(quota) for quota in quotas]
