"""Linear layers: a sum for each output feature over the input features in their order, from the bias on.

The gradient of a weight is a sum over the images in their order. Forwards and for the gradient of the input, as many
blocks as the second cache holds are computed while the weights go by.
"""

from suite.kernels.blocks import lanes_of
from suite.kernels.convolution import function_of, tile_from
from suite.kernels.fields import (
    BACK16,
    BIAS,
    GBIAS,
    GWEIGHT,
    GX,
    GY,
    IN,
    MANY16,
    OUT,
    PACKED,
    SCRATCH,
    TILE,
    TILE_BACK,
    TURNED,
    WEIGHT,
    ZEROS,
    X,
    Y,
)
from suite.kernels.kinds import f32, jit
from suite.kernels.products import OPERATION, call_dot
from suite.kernels.tiles import turn8
from suite.kernels.vectors import load, onto, splat, total

TOGETHER = 4  # blocks
IMAGES = 256  # at a time in a gradient of weights


@jit
def _products(a, s, first, last, n, x, inputs, y, outputs, across, along, bias, tile, functions):
    """For each output a sum over the inputs of their weights, which are `along` apart, from the bias at `bias` on.

    The weights of two outputs are `across` apart. `tile` is a column of the plan, `functions` the first of four.
    """
    for begin in range(first, last, TOGETHER):
        o = 0
        while o < outputs:
            channels = tile_from(o, outputs, s[tile])
            start = bias + o if bias >= 0 else s[ZEROS]
            for block in range(begin, min(begin + TOGETHER, last)):
                lanes = lanes_of(block, n)
                function = function_of(s, channels == s[tile], lanes, functions)
                source, target = x + block * 16 * inputs, y + block * 16 * outputs + o * lanes
                call_dot(function, (a, source, inputs, s[WEIGHT] + o * across, across, along, start, target, lanes))
            o += channels


@jit
def _backward(a, s, first, last, n):
    lanes = last * 16 - (16 - lanes_of(last - 1, n))
    for block in range(first, last):
        _turn(a, s[X] + block * 16 * s[IN], s[IN], lanes_of(block, n), s[SCRATCH] + block * 16 * 16, lanes * 16)
    _packed(a, s, last, n, lanes)
    for c in range((s[IN] + 15) // 16):
        _weights(a, s, c, lanes)
    if s[GX] >= 0:
        gx, gy = s[GX], s[GY]
        _products(a, s, first, last, n, gy, s[OUT], gx, s[IN], 1, s[IN], -1, TILE_BACK, BACK16)


@jit
def _packed(a, s, blocks, n, lanes):
    """The gradients of the output in the order in which tiles read them; their sum is the bias's gradient."""
    for o in range(s[OUT]):
        first = o - o % s[TILE]
        tile = s[TILE]
        if first + tile > s[OUT]:
            first, tile = o, 1
        sums = splat(f32(0.0), 16)
        for block in range(blocks):
            width = lanes_of(block, n)
            gy, to = s[GY] + block * 16 * s[OUT] + o * width, s[PACKED] + first * lanes + o - first + block * 16 * tile
            sums = onto(sums, load(a, gy, 16)) if width == 16 else onto(sums, load(a, gy, 8))
            for lane in range(width):
                a[to + lane * tile] = a[gy + lane]
        if s[GBIAS] >= 0:
            a[s[GBIAS] + o] = total(sums)


@jit
def _weights(a, s, c, lanes):
    """The gradients of all weights of 16 input features; of fewer at the end, by way of the array TURNED."""
    whole = c * 16 + 16 <= s[IN]
    out, step = (s[GWEIGHT] + c * 16, s[IN]) if whole else (s[TURNED], 16)
    o = 0
    while o < s[OUT]:
        channels = tile_from(o, s[OUT], s[TILE])
        for begin in range(0, lanes, IMAGES):
            x, count = s[SCRATCH] + (c * lanes + begin) * 16, min(IMAGES, lanes - begin)
            weights, bias = s[PACKED] + o * lanes + begin * channels, -1 if begin else s[ZEROS]
            at = out + o * step
            function = function_of(s, channels == s[TILE], 16, MANY16)
            call_dot(function, (a, x, count, weights, 1, channels, bias, at, step))
        o += channels
    if not whole:
        for o in range(s[OUT]):
            for r in range(s[IN] - c * 16):
                a[s[GWEIGHT] + o * s[IN] + c * 16 + r] = a[s[TURNED] + o * 16 + r]


@jit
def _turn(a, source, count, lanes, target, step):
    """[feature][lane] as [feature // 16][lane][feature % 16]; what is left over of 16 features stays as it was."""
    whole = count - count % 8
    for c in range(0, whole, 8):
        for lane in range(0, lanes, 8):
            turn8(a, source + c * lanes + lane, lanes, target + (c // 16) * step + lane * 16 + c % 16, 16)
    for c in range(whole, count):
        for lane in range(lanes):
            a[target + (c // 16) * step + lane * 16 + c % 16] = a[source + c * lanes + lane]


def make_forward():
    """The forward pass."""

    def dense_forward(a, s, first, last, n):
        _products(a, s, first, last, n, s[X], s[IN], s[Y], s[OUT], s[IN], 1, s[BIAS], TILE, MANY16)

    return OPERATION, dense_forward


def make_backward():
    """The backward pass."""

    def dense_backward(a, s, first, last, n):
        _backward(a, s, first, last, n)

    return OPERATION, dense_backward
