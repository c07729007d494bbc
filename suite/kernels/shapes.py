"""What each of torch's layers makes of an image's shape, and which of its options the kernels do not know."""

from typing import Any

from torch import nn

from suite.kernels.weights import Unknown

Shape = tuple[int, int, int]


def _require_fit(layer: Any, *shape: int) -> None:
    """Raises `Unknown` unless the weights have this shape, and the bias that of its first axis: torch says the rest."""
    if tuple(layer.weight.shape) != shape or (layer.bias is not None and tuple(layer.bias.shape) != shape[:1]):
        raise Unknown(f"{layer} does not fit what it is given")


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


def pair(value: Any) -> tuple[Any, Any]:
    """Down and across, of one number or two."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


MAKERS = {
    nn.Conv2d: _convolution, nn.Linear: _linear, nn.BatchNorm1d: _norm, nn.BatchNorm2d: _norm,
    nn.MaxPool2d: _pool, nn.AvgPool2d: _pool, nn.AdaptiveMaxPool2d: _adaptive, nn.AdaptiveAvgPool2d: _adaptive,
    nn.ReLU: _pointwise("relu"), nn.Sigmoid: _pointwise("sigmoid"), nn.Tanh: _pointwise("tanh"),
    nn.LeakyReLU: _leaky, nn.GELU: _gelu, nn.Dropout: _pointwise("dropout"),
}  # fmt: skip
