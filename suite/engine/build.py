"""The model, the loss and the optimiser of a recipe."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from suite.engine.draws import set_seed
from suite.errors import SuiteError
from suite.recipe import Recipe

CLASSES = 10
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def build_model(recipe: Recipe, network: Callable[[], Any], seed: int) -> nn.Module:
    """The network with the initial weights of this seed.

    Raises `SuiteError` (2) if it does not map images to ten scores, or has another size than its source says.
    """
    set_seed(seed, "init", 0)
    model = network()
    if not isinstance(model, nn.Module):
        raise SuiteError(f"network() must return a torch.nn.Module, got {model!r:.80}.")
    if recipe.init_std is not None:
        _draw_normal(model, recipe.init_std)
    _require_scores(model)
    if recipe.source and count_parameters(model) != recipe.source.parameters:
        raise SuiteError(
            f"the network has {count_parameters(model):,} parameters, its source {recipe.source.parameters:,}.",
            "Correct the network, or source.parameters in the recipe.",
        )
    return model


def build_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser, in torch's fused version: the same arithmetic in one pass over the weights."""
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            model.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )
    return torch.optim.Adam(
        model.parameters(), lr=recipe.lr, betas=recipe.betas, weight_decay=recipe.weight_decay, fused=True
    )


def build_loss(recipe: Recipe) -> Loss:
    """A function that maps scores (n, 10) and labels (n,) to their mean loss."""
    if recipe.loss == "cross-entropy":
        return functional.cross_entropy
    return lambda scores, labels: functional.mse_loss(scores, functional.one_hot(labels, CLASSES).to(scores.dtype))


def count_parameters(model: nn.Module) -> int:
    """The number of values in all parameters of the model."""
    return sum(parameter.numel() for parameter in model.parameters())


def _draw_normal(model: nn.Module, std: float) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.normal_(0.0, std)


def _require_scores(model: nn.Module) -> None:
    model.eval()
    with torch.inference_mode():
        shape = tuple(model(torch.zeros(2, 1, 28, 28)).shape)
    model.train()
    if shape != (2, CLASSES):
        raise SuiteError(
            f"the network maps images (2, 1, 28, 28) to {shape}, not to (2, {CLASSES}).",
            f"Its last layer must have {CLASSES} outputs.",
        )
