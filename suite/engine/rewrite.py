"""A faster order of a network's own layers that gives the same values. The network itself is not changed."""

from itertools import pairwise

import torch
from torch import nn

# Element-wise, non-decreasing activations: max(f(x)) = f(max(x)), so pooling may run first.
RISING = (nn.ReLU, nn.Sigmoid, nn.Tanh)


def rewrite(model: nn.Module) -> nn.Module:
    """A module to call instead of `model`. It contains the same modules, so parameters and modes are shared.

    Only a plain `nn.Sequential` of torch's own layers is rewritten. If max-pooling follows an activation, the two are
    swapped: the activation then computes a quarter of the values (for 2 × 2 pooling). If the first layer is a
    convolution, the images get the channels-last memory format, which all later layers keep: torch's pooling is
    vectorised over channels, not over rows.
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
    """Gives images the channels-last memory format; with one channel this copies nothing."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The same images (n, channels, height, width), channels-last: torch selects its algorithms by the strides."""
        n, channels, height, width = images.shape
        if channels > 1:
            return images.contiguous(memory_format=torch.channels_last)
        return images.reshape(n, height, width, 1).permute(0, 3, 1, 2)


def _is_plain(module: nn.Module) -> bool:
    """Whether the module is torch's own and has no hooks; any other code could depend on the order or memory format."""
    hooked = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks
    return type(module).__module__.startswith("torch.nn.") and not hooked
