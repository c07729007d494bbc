"""Where branches of a network meet and part: a sum adds two values, a fork the gradients of a value's two users."""

from suite.kernels.blocks import copy, lanes_of
from suite.kernels.fields import FEATURES, GOTHER, GX, GY
from suite.kernels.kinds import jit
from suite.kernels.products import OPERATION
from suite.kernels.vectors import load, store


@jit
def _add(a, one, other, out, count):
    """So many sums, a multiple of 8, of numbers from two places."""
    whole = count - count % 16
    for k in range(0, whole, 16):
        store(a, out + k, load(a, one + k, 16) + load(a, other + k, 16))
    if whole < count:
        store(a, out + whole, load(a, one + whole, 8) + load(a, other + whole, 8))


def make_added(one, other, out):
    """The addition of two places that a row names, by its fields: a sum forwards, and a fork backwards."""

    def added(a, s, first, last, n):
        for block in range(first, last):
            count, at = s[FEATURES] * lanes_of(block, n), block * 16 * s[FEATURES]
            _add(a, s[one] + at, s[other] + at, s[out] + at, count)

    return OPERATION, added


def make_sum_backward():
    """The backward pass of a sum: both inputs have the gradient of the output, each in its own place."""

    def sum_backward(a, s, first, last, n):
        for block in range(first, last):
            count, at = s[FEATURES] * lanes_of(block, n), block * 16 * s[FEATURES]
            if s[GX] >= 0:
                copy(a, s[GY] + at, s[GX] + at, count)
            if s[GOTHER] >= 0:
                copy(a, s[GY] + at, s[GOTHER] + at, count)

    return OPERATION, sum_backward
