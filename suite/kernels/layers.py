"""From a network to its operations: which of torch's layers the kernels know, and why a network is left to torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules import module as everywhere

from suite.kernels.fields import MAX, PLAIN, RELU_MAX, RELU_MEAN
from suite.kernels.weights import Unknown, require_own_weights

Shape = tuple[int, int, int]
WIDE = 96  # channels from which torch gains on the kernels: docs/kernels.md


@dataclass(frozen=True)
class Operation:
    """One layer, or a convolution with the pool after it; shapes are those of one image (channels, height, width).

    `before` is a convolution's output before its pool, else the output.
    """

    kind: str
    layer: nn.Module
    given: Shape
    before: Shape
    out: Shape
    pool: int = PLAIN


def operations(model: nn.Module, image: Shape) -> list[Operation]:
    """The operations in order. Raises `Unknown` for a network that is not a plain `nn.Sequential` of known layers."""
    layers = list(_plain(model))
    if unknown := next((layer for layer in layers if type(layer) not in (*_MAKERS, nn.Identity, nn.Flatten)), None):
        raise Unknown(f"layer {type(unknown).__name__}")
    require_own_weights(model, layers)
    shape, flat, found = image, False, []
    while layers:
        layer = layers.pop(0)
        if type(layer) is nn.Identity:
            continue
        if type(layer) is nn.Flatten:
            if (layer.start_dim, layer.end_dim) != (1, -1):
                raise Unknown(str(layer))
            shape, flat = (shape[0] * shape[1] * shape[2], 1, 1), True
            continue
        made = _made(layer, shape, flat)
        found.append(_with_pool(made, layers) if made.kind == "convolution" else made)
        shape = found[-1].out
    if not flat or not any(one.kind in ("convolution", "linear") for one in found):
        raise Unknown("no layer flattens the images, or none has weights")
    return found


def share_of_wide(found: list[Operation]) -> float:
    """The share (0 to 1) of all products that wide convolutions compute: there torch is as fast, or faster."""
    wide, every = 0, 0
    for one in found:
        if one.kind not in ("convolution", "linear"):
            continue
        layer: Any = one.layer
        products = layer.weight.numel() * one.before[1] * one.before[2]
        every += products
        if one.kind == "convolution" and min(layer.in_channels, layer.out_channels) >= WIDE:
            wide += products
    return wide / every


def _plain(model: nn.Module) -> Iterator[nn.Module]:
    """The layers of a Sequential and of those within it; raises `Unknown` for one that runs other code too."""
    if type(model) is not nn.Sequential:
        raise Unknown(f"{type(model).__name__} is no plain nn.Sequential")
    names = [f"{way}{when}_hooks" for way in ("_forward", "_backward") for when in ("", "_pre")]
    for module in model.modules():
        hooks = [getattr(module, name) or getattr(everywhere, f"_global{name}") for name in names]
        if any(hooks) or "forward" in vars(module):
            raise Unknown(f"{type(module).__name__} has a hook")
    for layer in model:  # children() would leave out a second use of the same layer
        if type(layer) is nn.Sequential:
            yield from _plain(layer)
        else:
            yield layer


def _require_fit(layer: Any, *shape: int) -> None:
    """Raises `Unknown` unless the weights have this shape, and the bias that of its first axis: torch says the rest."""
    if tuple(layer.weight.shape) != shape or (layer.bias is not None and tuple(layer.bias.shape) != shape[:1]):
        raise Unknown(f"{layer} does not fit what it is given")


def _made(layer: nn.Module, shape: Shape, flat: bool) -> Operation:
    for name, weights in layer.named_parameters():
        if not weights.requires_grad or str(weights.dtype) != "torch.float32":
            raise Unknown(f"{name} of {type(layer).__name__} is frozen, or no float32")
    kind, out = _MAKERS[type(layer)](layer, shape, flat)
    return Operation(kind, layer, shape, out, out)


def _convolution(layer: Any, shape: Shape, flat: bool) -> tuple[str, Shape]:
    top, left = padding_of(layer)
    if flat or layer.groups != 1 or layer.dilation != (1, 1) or layer.padding_mode != "zeros":
        raise Unknown(str(layer))
    _require_fit(layer, layer.out_channels, shape[0], *layer.kernel_size)
    height = (shape[1] + 2 * top - layer.kernel_size[0]) // layer.stride[0] + 1
    width = (shape[2] + 2 * left - layer.kernel_size[1]) // layer.stride[1] + 1
    return "convolution", _positive(layer, (layer.out_channels, height, width))


def padding_of(layer: Any) -> tuple[int, int]:
    """Rows above and below, and columns left and right, of a convolution; raises `Unknown` where they differ."""
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "same":
        if layer.kernel_size[0] % 2 == 0 or layer.kernel_size[1] % 2 == 0:
            raise Unknown(f"{layer}: one side has more padding")
        return layer.kernel_size[0] // 2, layer.kernel_size[1] // 2
    return tuple(layer.padding)


def _linear(layer: Any, shape: Shape, flat: bool) -> tuple[str, Shape]:
    if not flat:
        raise Unknown("nn.Linear without nn.Flatten before it")
    _require_fit(layer, layer.out_features, shape[0])
    return "linear", (layer.out_features, 1, 1)


def _norm(layer: Any, shape: Shape, flat: bool) -> tuple[str, Shape]:
    if layer.running_mean is None or layer.momentum is None or flat != (type(layer) is nn.BatchNorm1d):
        raise Unknown(str(layer))
    if layer.affine and layer.bias is None:
        raise Unknown(f"{layer} without bias")
    if layer.affine:
        _require_fit(layer, shape[0])
    if any(tuple(one.shape) != shape[:1] or one.element_size() != 4 for one in (layer.running_mean, layer.running_var)):
        raise Unknown(f"{layer} does not fit what it is given")
    return "normalisation", shape


def _pool(layer: Any, shape: Shape, flat: bool) -> tuple[str, Shape]:
    kind = "max-pool" if type(layer) is nn.MaxPool2d else "mean-pool"
    (kh, kw), (sh, sw), (ph, pw) = pair(layer.kernel_size), pair(layer.stride), pair(layer.padding)
    odd = layer.ceil_mode or (
        layer.return_indices or pair(layer.dilation) != (1, 1) if kind == "max-pool" else layer.divisor_override
    )
    if flat or odd:
        raise Unknown(str(layer))
    return kind, _positive(layer, (shape[0], (shape[1] + 2 * ph - kh) // sh + 1, (shape[2] + 2 * pw - kw) // sw + 1))


def _adaptive(layer: Any, shape: Shape, flat: bool) -> tuple[str, Shape]:
    height, width = pair(layer.output_size)
    if flat or not height or not width or shape[1] % height or shape[2] % width or getattr(layer, "return_indices", 0):
        raise Unknown(str(layer))
    return "max-pool" if type(layer) is nn.AdaptiveMaxPool2d else "mean-pool", (shape[0], height, width)


def window_of(layer: Any, given: Shape) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], bool]:
    """Size, stride and padding of a pool for these images, and whether a mean counts the padding."""
    if isinstance(layer, nn.AdaptiveMaxPool2d | nn.AdaptiveAvgPool2d):
        height, width = pair(layer.output_size)
        size = given[1] // height, given[2] // width
        return size, size, (0, 0), True
    counted = getattr(layer, "count_include_pad", True)
    return pair(layer.kernel_size), pair(layer.stride), pair(layer.padding), counted


def _pointwise(kind: str) -> Any:
    return lambda _layer, shape, _flat: (kind, shape)


def _leaky(layer: Any, shape: Shape, _flat: bool) -> tuple[str, Shape]:
    if layer.negative_slope < 0:  # the sign of the value would not tell that of the input
        raise Unknown(str(layer))
    return "leaky", shape


def _gelu(layer: Any, shape: Shape, _flat: bool) -> tuple[str, Shape]:
    if layer.approximate != "none":
        raise Unknown(str(layer))
    return "gelu", shape


def _positive(layer: nn.Module, shape: Shape) -> Shape:
    if min(shape) < 1:
        raise Unknown(f"{layer} leaves nothing")
    return shape


_MAKERS = {
    nn.Conv2d: _convolution, nn.Linear: _linear, nn.BatchNorm1d: _norm, nn.BatchNorm2d: _norm,
    nn.MaxPool2d: _pool, nn.AvgPool2d: _pool, nn.AdaptiveMaxPool2d: _adaptive, nn.AdaptiveAvgPool2d: _adaptive,
    nn.ReLU: _pointwise("relu"), nn.Sigmoid: _pointwise("sigmoid"), nn.Tanh: _pointwise("tanh"),
    nn.LeakyReLU: _leaky, nn.GELU: _gelu, nn.Dropout: _pointwise("dropout"),
}  # fmt: skip
RISING = (nn.ReLU, nn.Sigmoid, nn.Tanh)  # the larger the input, the larger the value: they may follow a max-pool


def _with_pool(made: Operation, layers: list[nn.Module]) -> Operation:
    """The convolution with a pool of 2 × 2 that follows, and its ReLU, which are taken out of the `layers` to come."""
    kinds = [type(layer) for layer in layers[:2]]
    at = next((k for k, kind in enumerate(kinds) if kind in (nn.MaxPool2d, nn.AvgPool2d)), None)
    halved = made.out[0], made.out[1] // 2, made.out[2] // 2
    if at is None or min(halved) < 1 or not _halves(layers[at]):
        return made
    if kinds[at] is nn.AvgPool2d:
        pool = RELU_MEAN if kinds[0] is nn.ReLU else PLAIN
    elif nn.ReLU in kinds:  # before or after: the maximum is the same
        pool = RELU_MAX
    else:
        pool = MAX if at == 0 or kinds[0] in RISING else PLAIN
    if pool == PLAIN:
        return made
    if pool == MAX:
        layers.pop(at)
    else:
        del layers[:2]
    return Operation(made.kind, made.layer, made.given, made.out, halved, pool)


def _halves(layer: Any) -> bool:
    plain = not layer.ceil_mode and not getattr(layer, "return_indices", False)
    plain = plain and not getattr(layer, "divisor_override", None) and pair(getattr(layer, "dilation", 1)) == (1, 1)
    return plain and (pair(layer.kernel_size), pair(layer.stride), pair(layer.padding)) == ((2, 2), (2, 2), (0, 0))


def pair(value: Any) -> tuple[Any, Any]:
    """Down and across, of one number or two."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)
