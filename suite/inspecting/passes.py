"""One image's way through a network: each call of a layer with what went in and what came out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from suite.engine.layers import parts, tensors_in
from suite.inspecting.seen import Activation, Floats, Weights

MOST_FILTERS, MOST_MAPS, MOST_ROWS, MOST_VALUES, MOST_CALLS = 64, 16, 64, 256, 60
TOGETHER = 100  # images in one batch
UNCHANGED = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Sequential, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


@dataclass(frozen=True)
class Call:
    """The `number`th call (from 1) of a layer, for one image. `again` says that the layer is called several times."""

    name: str
    module: nn.Module
    number: int
    output: torch.Tensor
    again: bool = False

    @property
    def words(self) -> str:
        """Its name for people: `0 Conv2d 5×5`, or `mix Linear, call 2`."""
        return f"{self.name} {kind(self.module)}".strip() + (f", call {self.number}" if self.again else "")


def kind(module: nn.Module) -> str:
    """The class of a layer, with the size of its kernel and its stride if it has them."""
    found = [type(module).__name__]
    kernel, stride = (getattr(module, name, None) for name in ("kernel_size", "stride"))
    if kernel is not None:
        found.append("×".join(map(str, _pair(kernel))))
        found += [f"stride {_pair(stride)[0]}"] if "Conv" in found[0] and _pair(stride)[0] != 1 else []
    return " ".join(found)


def _pair(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value, value)


def called(model: nn.Module, image: torch.Tensor) -> list[Call]:
    """The calls of one pass of an image (1, channels, height, width), in their order."""
    found: list[Call] = []
    counts: dict[nn.Module, int] = {}
    names: dict[nn.Module, str] = {}
    for name, module in parts("", model):
        names.setdefault(module, name)

    def note(module: nn.Module, _: Any, output: Any) -> None:
        counts[module] = counts.get(module, 0) + 1
        for tensor in tensors_in(output):
            # A copy: the next layer may write into the same memory, as nn.ReLU(inplace=True) does.
            found.append(Call(names[module], module, counts[module], tensor.detach().clone()))
            break

    with _hooked([module.register_forward_hook(note) for module in names if not _scripted(module)]):
        model(image)
    return [Call(one.name, one.module, one.number, one.output, counts[one.module] > 1) for one in found]


def inputs(model: nn.Module, images: torch.Tensor, call: Call) -> Floats | None:
    """What goes into this call, for images (n, channels, height, width) as floats: float64 (n, features).

    None if what goes in is not one tensor with a row for each image.
    """
    rows: list[Floats] = []
    seen = 0

    def note(_: nn.Module, args: Any, kwargs: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == call.number and (tensor := next(tensors_in([args, kwargs]), None)) is not None:
            rows.append(values_of(tensor.flatten(1) if tensor.dim() > 1 else tensor))

    with _hooked([call.module.register_forward_pre_hook(note, with_kwargs=True)]):
        for start in range(0, len(images), TOGETHER):
            seen = 0
            model(images[start : start + TOGETHER])
    if not rows or any(row.ndim != 2 for row in rows) or sum(map(len, rows)) != len(images):
        return None
    return np.concatenate(rows)


def weighted(calls: Sequence[Call]) -> list[Call]:
    """The calls of layers that have a matrix or kernels of weights."""
    return [one for one in calls if _matrix(one.module) is not None]


def weights(call: Call, shape: tuple[int, ...]) -> Weights:
    """The weights of this call's layer; `shape` is (channels, height, width) of an image."""
    matrix = _matrix(call.module)
    assert matrix is not None  # the call is one of `weighted`
    values = values_of(matrix)
    count = len(values)
    first = values[:MOST_FILTERS]
    if values.ndim == 4 and values.shape[2:] != (1, 1):
        return Weights(call.words, first, count)
    flat = first.reshape(len(first), -1)
    if flat.shape[1] == np.prod(shape):
        return Weights(call.words, flat.reshape(-1, *shape), count, templates=True)
    return Weights(call.words, flat[:, :MOST_VALUES], count)


def activation(call: Call) -> Activation:
    """A call's output as maps, rows or values; those beyond the first ones are left out."""
    values = values_of(call.output)
    values = values[0] if values.ndim > 1 and len(values) == 1 else values
    shape = values.shape
    if values.ndim > 3:
        values = values.reshape(-1, *shape[-2:])
    if values.ndim == 3:
        values = values[:, 0] if values.shape[1:] == (1, 1) else values[:MOST_MAPS]
    if values.ndim == 3 and values.shape[1:] == (1, 1):
        values = values[:, 0, 0]
    if values.ndim == 2:
        values = values[:, 0] if values.shape[1] == 1 else values[:MOST_ROWS, :MOST_VALUES]
    return Activation(call.words, shape, np.atleast_1d(values)[:MOST_VALUES])


def changes(call: Call) -> bool:
    """Whether the layer computes something: the values of the others are those of the call before."""
    return not isinstance(call.module, UNCHANGED)


def values_of(tensor: torch.Tensor) -> Floats:
    """A tensor's numbers as float64; complex ones by their size, what is no number as 0."""
    plain = tensor.detach().cpu()
    plain = plain.dequantize() if plain.is_quantized else plain.to_dense() if plain.is_sparse else plain
    found = (plain.abs() if plain.is_complex() else plain).double().numpy()
    return np.asarray(np.nan_to_num(found, posinf=0.0, neginf=0.0), np.float64)


def _matrix(module: nn.Module) -> torch.Tensor | None:
    """The layer's own weights of two dimensions or more: those called `weight` before others."""
    if isinstance(own := getattr(module, "weight", None), torch.Tensor) and own.dim() > 1:
        return own
    return next((one for one in module.parameters() if one.dim() > 1), None)


def _scripted(module: nn.Module) -> bool:
    return isinstance(module, torch.jit.ScriptModule)  # takes no hook


@contextmanager
def _hooked(hooks: Sequence[RemovableHandle]) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
