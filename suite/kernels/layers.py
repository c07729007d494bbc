"""From a network to its operations: which of torch's layers the kernels know, and why a network is left to torch."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from suite.kernels.fields import MAX, PLAIN, RELU_MAX, RELU_MEAN
from suite.kernels.reading import IMAGES, Fork, Node, Sum, graph
from suite.kernels.shapes import MAKERS, Shape, pair
from suite.kernels.weights import Unknown, require_own_weights

WIDE = 89  # channels from which torch is as fast as the kernels: with tiles of 8 they take as long as 96
RISING = (nn.ReLU, nn.Sigmoid, nn.Tanh)  # the larger the input, the larger the value: they may follow a max-pool


@dataclass(frozen=True)
class Operation:
    """One layer, or a convolution with the pool after it; shapes are those of one image (channels, height, width).

    `inputs` are the operations whose outputs it is given, by their index; -1 stands for the images. `before` is a
    convolution's output before its pool, else the output.
    """

    kind: str
    layer: nn.Module
    inputs: tuple[int, ...]
    given: Shape
    before: Shape
    out: Shape
    pool: int = PLAIN


@dataclass(frozen=True)
class _Value:
    """What a node puts out: the operation that computes it, its shape, and whether it is flat."""

    operation: int
    shape: Shape
    flat: bool


def operations(model: nn.Module, image: Shape) -> list[Operation]:
    """The operations in order; each output has one user, that of a fork has two.

    Raises `Unknown` for a network that is no graph of known layers.
    """
    nodes = graph(model)
    known = *MAKERS, nn.Identity, nn.Flatten, Sum, Fork
    if unknown := next((node.layer for node in nodes if type(node.layer) not in known), None):
        raise Unknown(f"layer {type(unknown).__name__}")
    require_own_weights(model, [node.layer for node in nodes])
    values, found, done = {IMAGES: _Value(-1, image, False)}, list[Operation](), set[int]()
    for index, node in enumerate(nodes):
        given = [values[one] for one in node.inputs]
        if index in done or type(node.layer) is nn.Identity:
            values[index] = given[0]
        elif type(node.layer) is nn.Flatten:
            values[index] = _flattened(node.layer, given[0])
        else:
            made = _made(node.layer, given)
            if made.kind == "convolution":
                made, more = _with_pool(made, _alone(nodes, index))
                done |= {index + 1 + k for k in more}
            found.append(made)
            values[index] = _Value(len(found) - 1, made.out, given[0].flat)
    if not values[len(nodes) - 1].flat or not any(one.kind in ("convolution", "linear") for one in found):
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


def _flattened(layer: nn.Flatten, given: _Value) -> _Value:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise Unknown(str(layer))
    return _Value(given.operation, (given.shape[0] * given.shape[1] * given.shape[2], 1, 1), True)


def _made(layer: nn.Module, given: list[_Value]) -> Operation:
    for name, weights in layer.named_parameters():
        if not weights.requires_grad or str(weights.dtype) != "torch.float32":
            raise Unknown(f"{name} of {type(layer).__name__} is frozen, or no float32")
    first, inputs = given[0], tuple(one.operation for one in given)
    if any((one.shape, one.flat) != (first.shape, first.flat) for one in given):
        raise Unknown(f"an addition of {first.shape} and {given[1].shape}")
    if type(layer) in (Sum, Fork):
        return Operation(type(layer).__name__.lower(), layer, inputs, first.shape, first.shape, first.shape)
    kind, out = MAKERS[type(layer)](layer, first.shape, first.flat)
    return Operation(kind, layer, inputs, first.shape, out, out)


def _alone(nodes: list[Node], index: int) -> list[nn.Module]:
    """Up to two layers behind a node, each of which is given nothing but what the one before it puts out."""
    following = nodes[index + 1 : index + 3]
    kept = [node.layer for k, node in enumerate(following) if node.inputs == (index + k,)]
    return kept if following and following[0].inputs == (index,) else []


def _with_pool(made: Operation, layers: list[nn.Module]) -> tuple[Operation, set[int]]:
    """The convolution with a pool of 2 × 2 and its ReLU, where they are among the `layers` behind it; their indices."""
    kinds = [type(layer) for layer in layers]
    at = next((k for k, kind in enumerate(kinds) if kind in (nn.MaxPool2d, nn.AvgPool2d)), None)
    halved = made.out[0], made.out[1] // 2, made.out[2] // 2
    if at is None or min(halved) < 1 or not _halves(layers[at]):
        return made, set()
    if kinds[at] is nn.AvgPool2d:
        pool = RELU_MEAN if kinds[0] is nn.ReLU else PLAIN
    elif nn.ReLU in kinds:  # before or after: the maximum is the same
        pool = RELU_MAX
    else:
        pool = MAX if at == 0 or kinds[0] in RISING else PLAIN
    if pool == PLAIN:
        return made, set()
    taken = {at} if pool == MAX else {0, 1}
    return Operation(made.kind, made.layer, made.inputs, made.given, made.out, halved, pool), taken


def _halves(layer: Any) -> bool:
    plain = not layer.ceil_mode and not getattr(layer, "return_indices", False)
    plain = plain and not getattr(layer, "divisor_override", None) and pair(getattr(layer, "dilation", 1)) == (1, 1)
    return plain and (pair(layer.kernel_size), pair(layer.stride), pair(layer.padding)) == ((2, 2), (2, 2), (0, 0))
