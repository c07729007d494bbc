"""A network layer by layer: output shapes, parameters and multiply-accumulate operations (MACs) for one image."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """One module without submodules; `shape` is that of its output, without the batch dimension."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    macs: int


def layers(model: nn.Module) -> list[Layer]:
    """The layers of a network, in the order in which they are executed for one image (1, 28, 28)."""
    found: list[Layer] = []

    def note(name: str) -> Any:
        def hook(module: nn.Module, _: Any, output: torch.Tensor) -> None:
            own = sum(parameter.numel() for parameter in module.parameters())
            found.append(Layer(name, _describe(module), tuple(output.shape[1:]), own, _macs(module, output)))

        return hook

    hooks = [
        module.register_forward_hook(note(name))
        for name, module in model.named_modules()
        if not list(module.children())
    ]
    _look_at_one_image(model)
    for hook in hooks:
        hook.remove()
    return found


def describe(model: nn.Module) -> dict[str, Any]:
    """The layers as plain values, with the sums of parameters and of MACs.

    `macs` counts linear and convolution layers only, for one image.
    """
    found = layers(model)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "macs": sum(layer.macs for layer in found),
        "layers": [asdict(layer) for layer in found],
    }


def _macs(module: nn.Module, output: torch.Tensor) -> int:
    """The MACs of a linear or convolution layer: for each output value, the size of one row or kernel of weights."""
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return int(output[0].numel() * module.weight[0].numel())
    return 0


def _describe(module: nn.Module) -> str:
    inside = module.extra_repr()
    return f"{type(module).__name__}({inside})" if inside else type(module).__name__


def _look_at_one_image(model: nn.Module) -> None:
    training = model.training
    model.eval()
    with torch.inference_mode():
        model(torch.zeros(1, 1, 28, 28))
    model.train(training)
