"""The split of the images: training, validation, probes and test."""

from dataclasses import dataclass

import torch

from suite.data import Data
from suite.engine.draws import draw
from suite.recipe import Recipe
from suite.recipe.trial import VALIDATION

Labelled = tuple[torch.Tensor, torch.Tensor]  # images uint8 (n, channels, height, width) and labels int64 (n,)


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
        (data.train_images[:images], data.train_labels[:images]),
        held_out if recipe.holdout else None,
        probed if recipe.probe_every else None,
        (data.test_images, data.test_labels),
    )


def stratified(name: str, training: Labelled) -> Sets:
    """A stratified split: one of `VALIDATION` training images validates. The split depends only on the data and `name`.

    The classes have the same shares in both parts, up to rounding. Both parts keep the original order.
    """
    _, labels = training
    validates = torch.zeros(len(labels), dtype=torch.bool)
    for kind, wanted in enumerate(_quotas(torch.bincount(labels), len(labels) // VALIDATION)):
        members = (labels == kind).nonzero().flatten()
        generator = torch.Generator().manual_seed(draw(0, f"validation of {name}", kind))
        validates[members[torch.randperm(len(members), generator=generator)[:wanted]]] = True
    trained, held_out = (~validates).nonzero().flatten(), validates.nonzero().flatten()
    return Sets(_rows(training, trained), _rows(training, held_out))


def _rows(labelled: Labelled, chosen: torch.Tensor) -> Labelled:
    """The chosen images and labels; `index_select` copies whole rows, while indexing copies single bytes."""
    images, labels = labelled
    return images.index_select(0, chosen), labels.index_select(0, chosen)


def _quotas(members: torch.Tensor, total: int) -> list[int]:
    """`total` divided in proportion to `members`, as whole numbers; the largest remainders are rounded up."""
    exact = members.double() * total / members.sum()
    quotas = exact.floor().long()
    rounded_up = (exact - quotas).argsort(descending=True, stable=True)[: total - int(quotas.sum())]
    quotas[rounded_up] += 1
    return [int(quota) for quota in quotas]
