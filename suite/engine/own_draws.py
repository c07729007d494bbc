"""Random numbers of a portable training by the kernels: from Philox, so that no version of torch can change them.

Philox (Salmon and others, 2011, "Parallel random numbers: as easy as 1, 2, 3") is numpy's counter-based generator. Only
its raw 64-bit words are used, which numpy keeps as they are; what its distributions make of them may change.
"""

import copy
import math

import numpy as np
import torch
from torch import nn

from suite.engine.draws import draw, set_seed
from suite.recipe import Recipe


class Draws:
    """The stream of a seed, a purpose and a number, as `suite.engine.draws.draw` has them."""

    def __init__(self, seed: int, purpose: str, n: int) -> None:
        self._words = np.random.Philox(key=draw(seed, f"own {purpose}", n))

    def uniform(self, *shape: int) -> torch.Tensor:
        """Numbers float32 from 0 to 1, without 1: multiples of 2 ** -24."""
        words = self._words.random_raw(math.prod(shape))
        return torch.from_numpy((words >> 40).astype(np.float32) * np.float32(2.0**-24)).view(shape)

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal numbers float32, by Marsaglia's polar method."""
        from suite.kernels.functions import log

        found: list[float] = []
        wanted = math.prod(shape)
        while len(found) < wanted:
            x, y = (int(word >> 11) * 2.0**-52 - 1.0 for word in self._words.random_raw(2))
            square = x * x + y * y
            if 0.0 < square < 1.0:
                scale = math.sqrt(2.0 * log.py_func(1.0 / square) / square)
                found += [x * scale, y * scale]
        return torch.tensor(found[:wanted], dtype=torch.float64).float().view(shape)

    def permutation(self, count: int) -> torch.Tensor:
        """A random order int64 (count,): that of as many words."""
        return torch.from_numpy(np.argsort(self._words.random_raw(count), kind="stable"))


def redraw(model: nn.Module, recipe: Recipe, seed: int) -> None:
    """Draw the first weights again, from the distributions that torch's layers and the recipe draw from.

    They are U(-b, b) with b = 1 / sqrt(inputs of a unit) for weights and biases, or N(0, `init_std`) with biases of 0.
    A network whose file draws in its own way keeps its weights.
    """
    if recipe.init_std is None and not _usual(model, seed):
        return
    stream = Draws(seed, "init", 0)
    with torch.no_grad():
        for layer in model.modules():
            if not isinstance(layer, nn.Conv2d | nn.Linear):
                continue
            bound = 1.0 / math.sqrt(layer.weight[0].numel())
            for weights in layer.parameters(recurse=False):
                if recipe.init_std is None:
                    weights.copy_(stream.uniform(*weights.shape).mul_(2.0 * bound).sub_(bound))
                elif weights is layer.weight:
                    weights.copy_(stream.normal(*weights.shape).mul_(recipe.init_std))


def _usual(model: nn.Module, seed: int) -> bool:
    """Whether torch's layers themselves drew these weights: after the same seed they draw them again."""
    again = copy.deepcopy(model)
    set_seed(seed, "init", 0)
    for layer in again.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    values = again.state_dict()
    return all(torch.equal(values[name], tensor) for name, tensor in model.state_dict().items())
