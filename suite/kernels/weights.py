"""Whose the weights of a network are, and where: the kernels change them in one pass over memory of their own."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from torch import nn

from suite.kernels.memory import Memory


class Unknown(Exception):
    """The kernels do not compute this; the text says what."""


def require_own_weights(model: nn.Module, layers: list[nn.Module]) -> None:
    """Raises `Unknown` unless each weight belongs to one layer, is used once, and has memory of its own."""
    own = [layer for layer in layers if type(layer) in (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d)]
    used = [weights for layer in own for weights in (layer.weight, layer.bias) if weights is not None]
    if len(used) != len(list(model.parameters())):
        raise Unknown("two layers share weights, or there are weights in no layer")
    if any(weights._backward_hooks or weights._post_accumulate_grad_hooks for weights in used):
        raise Unknown("a weight has a hook")
    if any(weights.is_meta for weights in used):  # they have no memory yet
        return
    tensors = [*used, *(tensor for layer in own for tensor in layer.buffers())]
    spans = sorted((tensor.data_ptr(), tensor.numel() * tensor.element_size()) for tensor in tensors)
    if any(first + size > following for (first, size), (following, _) in pairwise(spans)):
        raise Unknown("two layers have weights in the same memory")


@dataclass(frozen=True)
class Weights:
    """Where weights, gradients and the optimiser's two numbers for each begin, `count` each; places by id."""

    count: int
    places: dict[int, int]
    values: int
    gradients: int
    first: int
    second: int

    @classmethod
    def of(cls, parameters: list[Any], memory: Memory) -> "Weights":
        """Places for these parameters, one behind the other."""
        places, count = {}, 0
        for one in parameters:
            places[id(one)] = count
            count += one.numel()
        count = -(-count // 8) * 8
        values, gradients, first, second = (memory.take(count) for _ in range(4))
        return cls(count, {key: values + at for key, at in places.items()}, values, gradients, first, second)
