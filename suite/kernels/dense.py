"""Linear layers: a sum for each output feature over the input features in their order, from the bias on.

The gradient of a weight is a sum over the images in their order. Forwards and for the gradient of the input, as many
blocks as the second cache holds are computed while the weights go by. A ReLU between two linear layers is part of them.
"""

from suite.kernels.blocks import lanes_of
from suite.kernels.convolution import function_of, tile_from
from suite.kernels.fields import (
    AFTER,
    BACK16,
    BEFORE,
    BIAS,
    GBIAS,
    GROUP,
    GWEIGHT,
    GX,
    GY,
    IN,
    MANY16,
    OUT,
    OUTER8,
    OUTER16,
    PACKED,
    TILE,
    TILE_BACK,
    TURNED,
    WEIGHT,
    ZEROS,
    X,
    Y,
)
from suite.kernels.kinds import f32, jit
from suite.kernels.products import OPERATION, call_across, call_dot
from suite.kernels.tiles import turn8
from suite.kernels.vectors import load, onto, splat, store, total, where_at_most

TOGETHER, CACHED = 4, 4096  # blocks at least, and features of all blocks: a quarter of the second cache


@jit
def _products(a, s, first, last, n, x, inputs, y, outputs, across, along, bias, tile, functions, values):
    """For each output a sum over the inputs of their weights, which are `along` apart, from the bias at `bias` on.

    The weights of two outputs are `across` apart. `tile` is a column of the plan, `functions` the first of four.
    Where `values` is not negative, it is where a ReLU's values are: outputs with none above 0 become 0.
    """
    together = max(TOGETHER, CACHED // inputs)
    for begin in range(first, last, together):
        end = min(begin + together, last)
        o = 0
        while o < outputs:
            channels = tile_from(o, outputs, s[tile])
            start = bias + o if bias >= 0 else s[ZEROS]
            for block in range(begin, end):
                lanes = lanes_of(block, n)
                function = function_of(s, channels == s[tile], lanes, functions)
                source, target = x + block * 16 * inputs, y + block * 16 * outputs + o * lanes
                call_dot(function, (a, source, inputs, s[WEIGHT] + o * across, across, along, start, target, lanes))
            o += channels
        if values >= 0:
            zero = splat(f32(0.0), 8)
            count = (end - begin - 1) * 16 + lanes_of(end - 1, n)
            for k in range(begin * 16 * outputs, (begin * 16 + count) * outputs, 8):
                store(a, y + k, where_at_most(load(a, values + k, 8), zero, zero, load(a, y + k, 8)))


@jit
def _weights(a, s, last, n):
    """The gradients of the weights, for some input features and 16 outputs at a time, and that of the bias."""
    lanes = last * 16 - (16 - lanes_of(last - 1, n))
    whole = n // 16 if lanes % 16 else last  # the blocks of 16 lanes
    outs, rest = (s[OUT] + 15) // 16 * 16, lanes % 16
    for block in range(last):
        _turn(a, s[GY] + block * 16 * s[OUT], s[OUT], lanes_of(block, n), s[PACKED] + block * 16 * 16, lanes * 16)
    i = 0
    while i < s[IN]:
        features = tile_from(i, s[IN], s[GROUP])
        function = s[OUTER16] if features == s[GROUP] else s[OUTER8]
        for o in range(0, outs, 16):
            sums, gy, x = s[TURNED] + o, s[PACKED] + o * lanes, s[X] + i * 16
            call_across(function, (a, x, whole, 16 * s[IN], 16, gy, s[ZEROS], sums, outs))
            if rest:
                x = s[X] + whole * 16 * s[IN] + i * rest
                call_across(function, (a, x, 1, 0, rest, gy + whole * 16 * 16, -1, sums, outs))
        _placed(a, s, i, features, outs)
        i += features
    if s[GBIAS] >= 0:
        for o in range(s[OUT]):
            sums = splat(f32(0.0), 16)
            for block in range(last):
                width = lanes_of(block, n)
                gy = s[GY] + block * 16 * s[OUT] + o * width
                sums = onto(sums, load(a, gy, 16)) if width == 16 else onto(sums, load(a, gy, 8))
            a[s[GBIAS] + o] = total(sums)


@jit
def _placed(a, s, i, features, outs):
    """From TURNED, [feature][output], to the gradients of so many input features from i on; some are written twice."""
    to = s[GWEIGHT] + i
    if features < 8 or s[OUT] < 8:
        for t in range(features):
            for o in range(s[OUT]):
                a[to + o * s[IN] + t] = a[s[TURNED] + t * outs + o]
        return
    for t in range(0, features, 8):
        first = min(t, features - 8)
        for o in range(0, s[OUT], 8):
            begin = min(o, s[OUT] - 8)
            turn8(a, s[TURNED] + first * outs + begin, outs, to + begin * s[IN] + first, s[IN])


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
    """The forward pass, with the ReLU that follows, if AFTER is 1."""

    def dense_forward(a, s, first, last, n):
        values = s[Y] if s[AFTER] == 1 else -1
        _products(a, s, first, last, n, s[X], s[IN], s[Y], s[OUT], s[IN], 1, s[BIAS], TILE, MANY16, values)

    return OPERATION, dense_forward


def make_backward():
    """The backward pass, with that of the ReLU before the layer, if BEFORE is 1."""

    def dense_backward(a, s, first, last, n):
        _weights(a, s, last, n)
        if s[GX] >= 0:
            values = s[X] if s[BEFORE] == 1 else -1
            _products(a, s, first, last, n, s[GY], s[OUT], s[GX], s[IN], 1, s[IN], -1, TILE_BACK, BACK16, values)

    return OPERATION, dense_backward
