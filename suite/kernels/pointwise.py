"""Activations and dropout, number by number."""

from suite.kernels.blocks import lanes_of
from suite.kernels.fields import AUX, FEATURES, GX, GY, VALUE, X, Y
from suite.kernels.functions import below, density, sigmoid, tanh
from suite.kernels.kinds import f32, jit
from suite.kernels.products import OPERATION
from suite.kernels.vectors import fma, full, load, splat, store, where_at_most

RELU, SIGMOID, TANH, LEAKY, GELU, DROPOUT = range(6)


@jit
def _value(kind, x, slope, mask):
    """The function's value; a NaN stays one."""
    if kind == RELU:
        zero = full(x, f32(0.0))
        return where_at_most(x, zero, zero, x)
    if kind == SIGMOID:
        return sigmoid(x)
    if kind == TANH:
        return tanh(x)
    if kind == LEAKY:
        return where_at_most(x, full(x, f32(0.0)), x * slope, x)
    if kind == GELU:
        return x * below(x)
    return x * mask


@jit
def _slope(kind, x, y, g, slope, mask):
    """The gradient g times the function's slope at x, where its value is y."""
    if kind == RELU:
        return where_at_most(y, full(y, f32(0.0)), full(y, f32(0.0)), g)
    if kind == SIGMOID:
        return g * y * (full(y, f32(1.0)) - y)
    if kind == TANH:
        return g * (full(y, f32(1.0)) - y * y)
    if kind == LEAKY:
        return where_at_most(y, full(y, f32(0.0)), g * slope, g)
    if kind == GELU:
        return g * fma(x, density(x), below(x))
    return g * mask


def make_forward(kind: int):
    """The forward pass of an activation, or of dropout, whose mask is at AUX."""

    def pointwise_forward(a, s, first, last, n):
        for block in range(first, last):
            count, at = s[FEATURES] * lanes_of(block, n), block * 16 * s[FEATURES]
            x, y, mask = s[X] + at, s[Y] + at, (s[AUX] if kind == DROPOUT else s[X]) + at
            slope = a[s[VALUE]] if kind == LEAKY else f32(0.0)
            whole = count - count % 16
            for k in range(0, whole, 16):
                store(a, y + k, _value(kind, load(a, x + k, 16), splat(slope, 16), load(a, mask + k, 16)))
            if whole < count:
                store(a, y + whole, _value(kind, load(a, x + whole, 8), splat(slope, 8), load(a, mask + whole, 8)))

    return OPERATION, pointwise_forward


def make_backward(kind: int):
    """Its backward pass; input and output, and their gradients, may be at the same place."""

    def pointwise_backward(a, s, first, last, n):
        for block in range(first, last):
            count, at = s[FEATURES] * lanes_of(block, n), block * 16 * s[FEATURES]
            x, y, mask = s[X] + at, s[Y] + at, (s[AUX] if kind == DROPOUT else s[X]) + at
            gx, gy, slope = s[GX] + at, s[GY] + at, a[s[VALUE]] if kind == LEAKY else f32(0.0)
            whole = count - count % 16
            for k in range(0, whole, 16):
                seen = load(a, x + k, 16), load(a, y + k, 16), load(a, gy + k, 16)
                store(a, gx + k, _slope(kind, *seen, splat(slope, 16), load(a, mask + k, 16)))
            if whole < count:
                seen8 = load(a, x + whole, 8), load(a, y + whole, 8), load(a, gy + whole, 8)
                store(a, gx + whole, _slope(kind, *seen8, splat(slope, 8), load(a, mask + whole, 8)))

    return OPERATION, pointwise_backward
