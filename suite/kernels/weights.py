"""Whose the weights of a network are: the kernels change them in one pass over memory of their own."""

from itertools import pairwise

from torch import nn


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
