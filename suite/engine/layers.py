"""A network layer by layer: output shapes, parameters and multiply-accumulate operations (MACs) for one image.

This only describes, so it never raises: what cannot be seen of a network is None in the table.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from suite.data.dataset import Shape as ImageShape
from suite.errors import one_line

IMAGES = 3  # in one pass; few layers have a size of 3, so the batch is found in every shape
MOST, LONGEST = 1_000, 300  # rows, and letters of a kind: the file of a result may have two MiB

Shape = tuple[int, ...] | None
Calls = dict[tuple[nn.Module, Shape], tuple[int, int | None]]  # by module and shape: how many, and their MACs


@dataclass(frozen=True)
class Layer:
    """One row; `shape` is that of the layer's first output tensor for one image, None if it is not known.

    `parameters` are those that no earlier row has, so shared ones count once. `macs` are those of all calls that the
    row stands for, None if they are not known.
    """

    name: str
    kind: str
    shape: Shape
    parameters: int
    macs: int | None


def layers(model: nn.Module, image: ImageShape) -> list[Layer]:
    """The layers in the order of execution, then those with parameters that were not seen, then other parameters.

    `image` is (channels, height, width). Calls of one layer with the same output shape are one row.
    """
    model = getattr(model, "_orig_mod", model)  # torch.compile's wrapper would compile again, for our hooks
    found: dict[nn.Module, str] = {}
    for name, module in parts("", model):
        found.setdefault(module, name)
    counted: set[int] = set()
    rows = [
        Layer(found[module], _kind(module, count), shape, _count_new(module, counted), macs)
        for (module, shape), (count, macs) in _calls(model, found, image).items()
    ]
    for module, name in found.items():
        if own := _count_new(module, counted):
            rows.append(Layer(name, f"{_kind(module)}, not seen in a pass", None, own, None))
    for name, module in model.named_modules():
        if own := _count_new(module, counted, recurse=False):
            rows.append(Layer(name, f"{type(module).__name__}, parameters outside of layers", None, own, None))
    return rows if len(rows) <= MOST else [*rows[: MOST - 1], _sum(rows[MOST - 1 :])]


def describe(model: nn.Module, image: ImageShape) -> dict[str, Any]:
    """The layers as plain values, with the sums of parameters and of those MACs that are known.

    MACs are counted for linear, convolution and recurrent layers, for one `image` (channels, height, width).
    """
    found = _tried(layers, model, image) or []
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "macs": sum(layer.macs or 0 for layer in found),
        "layers": [asdict(layer) for layer in found],
    }


def parts(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules that are rows: those without parts, and torch's own that use the parameters of their parts."""
    inner = dict(module.named_children())
    own = next(module.parameters(recurse=False), None) is not None
    if not inner or is_parametrized(module) or (own and type(module).__module__.startswith("torch.nn.")):
        yield name, module
        return
    for part, inside in inner.items():
        yield from parts(f"{name}.{part}".removeprefix("."), inside)


def _calls(model: nn.Module, found: Mapping[nn.Module, str], image: ImageShape) -> Calls:
    """What one pass of images calls, in that order, as far as the pass gets."""
    calls: Calls = {}

    def note(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        shape, macs = _tried(_shape, output), _tried(_macs, module, (args, kwargs), output)
        count, sum_ = calls.get((module, shape), (0, 0))
        calls[module, shape] = count + 1, None if macs is None or sum_ is None else sum_ + macs

    hooks = [_tried(module.register_forward_hook, note, with_kwargs=True) for module in found]
    _tried(_pass_images, model, image)
    for hook in filter(None, hooks):  # a scripted module may take none
        hook.remove()
    return calls


def _pass_images(model: nn.Module, image: ImageShape) -> None:
    training = model.training
    try:
        model.eval()
        with torch.inference_mode():
            model(torch.zeros(IMAGES, *image))
    finally:
        model.train(training)


def _shape(output: Any) -> Shape:
    """The shape of the first tensor in a layer's output, without the batch: the first of two sizes that can be it."""
    tensor = next(tensors_in(output), None)
    if tensor is None:
        return None
    sizes = list(tensor.shape)
    del sizes[sizes.index(IMAGES) if IMAGES in sizes[:2] else 0]
    return tuple(sizes)


def _macs(module: nn.Module, given: Any, output: Any) -> int | None:
    """The MACs of one call for one image: 0 for layers without matrices, None for matrices that we cannot follow."""
    matrices = [weights for weights in module.parameters() if weights.dim() > 1]
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
        macs = output.numel() * module.weight[0].numel()  # one row or kernel of weights for each output value
    elif isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        macs = next(tensors_in(given)).numel() * module.weight[0].numel()
    elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
        macs = next(tensors_in(given)).numel() // module.input_size * sum(weights.numel() for weights in matrices)
    elif not matrices or isinstance(module, nn.Embedding | nn.LayerNorm):
        macs = 0
    else:
        return None
    return int(macs // IMAGES)


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors in a layer's input or output."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from tensors_in(one)
    elif dataclasses.is_dataclass(value):
        yield from tensors_in([getattr(value, field.name) for field in dataclasses.fields(value)])


def _kind(module: nn.Module, calls: int = 1) -> str:
    """The module as it prints itself, and how often it is called if that is not once."""
    name = type(module).__name__
    inside = _tried(lambda: one_line(module.extra_repr()))
    kind = f"{name}({inside})" if inside else name
    return kind[:LONGEST] + (f", called {calls} times" if calls > 1 else "")


def _count_new(module: nn.Module, counted: set[int], *, recurse: bool = True) -> int:
    """The number of values in the module's parameters that are not `counted` yet; they are from now on."""
    new = {id(one): one.numel() for one in module.parameters(recurse) if id(one) not in counted}
    counted.update(new)
    return sum(new.values())


def _sum(rows: list[Layer]) -> Layer:
    macs = [row.macs for row in rows]
    known = None if None in macs else sum(one or 0 for one in macs)
    return Layer("", f"{len(rows):,} more rows", None, sum(row.parameters for row in rows), known)


def _tried(function: Callable[..., Any], *values: Any, **options: Any) -> Any:
    """What the function returns; None if it raises, because a user's module may do anything."""
    try:
        return function(*values, **options)
    except Exception:
        return None
