"""Another way through a network's own layers, to the same values in less time. The network stays as published."""

from itertools import pairwise

import torch
from torch import nn

# Torch's own that work number by number and never fall: the largest of their values is their value of the largest.
RISING = (nn.ReLU, nn.Sigmoid, nn.Tanh)


def rewrite(model: nn.Module) -> nn.Module:
    """What to call in the place of `model`: it holds the same modules, hence the same parameters and modes.

    Only a plain `nn.Sequential` of torch's own layers is looked into. Max-pooling goes before the activation in front
    of it, which then works on a quarter of the numbers. What begins with a convolution gets its images with their
    channels last in memory, and every later layer keeps that order: torch pools many channels at once, one row never.
    """
    if type(model) is not nn.Sequential or not all(map(_is_plain, model.modules())):
        return model
    layers = list(model)
    for index, (first, second) in enumerate(pairwise(layers)):
        if type(first) in RISING and type(second) is nn.MaxPool2d and not second.return_indices:
            layers[index], layers[index + 1] = second, first
    convolutional = bool(layers) and type(layers[0]) is nn.Conv2d
    return nn.Sequential(*([ChannelsLast()] if convolutional else []), *layers)


class ChannelsLast(nn.Module):  # type: ignore[misc]  # torch is read as untyped
    """Says of images with one channel that it comes last in memory, which moves no byte."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The same images (n, 1, height, width); torch's layers choose by their strides how they work."""
        n, _, height, width = images.shape
        return images.reshape(n, height, width, 1).permute(0, 3, 1, 2)


def _is_plain(module: nn.Module) -> bool:
    """Torch's own and without hooks: other code may have changed what it does, or ask for an order in memory."""
    hooked = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks
    return type(module).__module__.startswith("torch.nn.") and not hooked
