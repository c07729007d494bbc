"""Batch normalisation: over the images and places of each channel, first their mean, then the variance around it.

A block has a sum of 32 bits for each lane; the blocks' sums are added in 64. Lanes without an image do not count.
"""

import math

from suite.kernels.blocks import lanes_of
from suite.kernels.fields import (
    AUX,
    BIAS,
    GBIAS,
    GWEIGHT,
    GX,
    GY,
    HI,
    IN,
    MEAN,
    SECOND,
    VALUE,
    VARIANCE,
    WEIGHT,
    WI,
    ZEROS,
    X,
    Y,
)
from suite.kernels.kinds import f32, f64, jit
from suite.kernels.products import OPERATION
from suite.kernels.vectors import fma, load, splat, store, total


@jit
def _places(s):
    return s[HI] * s[WI]


@jit
def _valid(a, s, block, lanes, lane, n):
    """1 in the lanes that have an image, from `lane` on, else 0: behind ZEROS are 16 ones and then zeros."""
    return load(a, s[ZEROS] + 16 + 16 - min(n - block * 16, lanes) + lane, 8)


@jit
def _sums(a, s, c, blocks, n, mean, inverse, gradient):
    """Over all images and places of channel c: the two sums of a forward pass, or those of a backward pass.

    They are of the values less the mean, and of its squares; or of the gradient, and of its product with the
    normalised value.
    """
    one_total, other_total = 0.0, 0.0
    for block in range(blocks):
        lanes = lanes_of(block, n)
        at = block * 16 * s[IN] * _places(s) + c * _places(s) * lanes
        for lane in range(0, lanes, 8):
            valid, one, other = _valid(a, s, block, lanes, lane, n), splat(f32(0.0), 8), splat(f32(0.0), 8)
            for k in range(at + lane, at + lane + _places(s) * lanes, lanes):
                v = (load(a, s[X] + k, 8) - splat(mean, 8)) * valid
                if gradient:
                    g = load(a, s[GY] + k, 8) * valid
                    one, other = one + g, fma(g, v * splat(inverse, 8), other)
                else:
                    one, other = one + v, fma(v, v, other)
            one_total += f64(total(one))
            other_total += f64(total(other))
    return one_total, other_total


@jit
def _forward(a, s, blocks, n):
    count = f64(n * _places(s))
    rate = f64(a[s[VALUE]])
    for c in range(s[IN]):
        sum_, _ = _sums(a, s, c, blocks, n, f32(0.0), f32(0.0), False)
        mean = f32(sum_ / count)
        _, squares = _sums(a, s, c, blocks, n, mean, f32(0.0), False)
        variance = squares / count
        inverse = f32(1.0 / math.sqrt(variance + f64(a[s[SECOND]])))
        a[s[AUX] + c], a[s[AUX] + s[IN] + c] = mean, inverse
        if s[MEAN] >= 0:
            a[s[MEAN] + c] = f32((1.0 - rate) * f64(a[s[MEAN] + c]) + rate * f64(mean))
            a[s[VARIANCE] + c] = f32((1.0 - rate) * f64(a[s[VARIANCE] + c]) + rate * squares / (count - 1.0))
        _scaled(a, s, c, blocks, n, mean, inverse)


@jit
def _scaled(a, s, c, blocks, n, mean, inverse):
    """Write (x - mean) * inverse * weight + bias."""
    if s[WEIGHT] >= 0:
        scale, shift = splat(inverse * a[s[WEIGHT] + c], 8), splat(a[s[BIAS] + c], 8)
    else:
        scale, shift = splat(inverse, 8), splat(f32(0.0), 8)
    for block in range(blocks):
        lanes = lanes_of(block, n)
        at = block * 16 * s[IN] * _places(s) + c * _places(s) * lanes
        for k in range(at, at + _places(s) * lanes, 8):
            store(a, s[Y] + k, fma(load(a, s[X] + k, 8) - splat(mean, 8), scale, shift))


def make_training():
    """The forward pass of a training step; the running mean and variance are updated."""

    def norm_forward(a, s, first, last, n):
        _forward(a, s, last, n)

    return OPERATION, norm_forward


def make_evaluation():
    """The forward pass of an evaluation, by the running mean and variance."""

    def norm_evaluate(a, s, first, last, n):
        for c in range(s[IN]):
            inverse = f32(1.0 / math.sqrt(f64(a[s[VARIANCE] + c]) + f64(a[s[SECOND]])))
            _scaled(a, s, c, last, n, a[s[MEAN] + c], inverse)

    return OPERATION, norm_evaluate


def make_backward():
    """The backward pass."""

    def norm_backward(a, s, first, last, n):
        count = f64(n * _places(s))
        for c in range(s[IN]):
            mean, inverse = a[s[AUX] + c], a[s[AUX] + s[IN] + c]
            plain, along = _sums(a, s, c, last, n, mean, inverse, True)
            weight = f32(1.0)
            if s[WEIGHT] >= 0:
                weight = a[s[WEIGHT] + c]
                a[s[GWEIGHT] + c], a[s[GBIAS] + c] = f32(along), f32(plain)
            if s[GX] >= 0:
                _gradient(a, s, c, last, n, mean, inverse, weight, f32(plain / count), f32(along / count))

    return OPERATION, norm_backward


@jit
def _gradient(a, s, c, blocks, n, mean, inverse, weight, plain, along):
    """The gradient of channel c of the input: of each value, and through mean and variance."""
    scale = splat(weight * inverse, 8)
    for block in range(blocks):
        lanes = lanes_of(block, n)
        at = block * 16 * s[IN] * _places(s) + c * _places(s) * lanes
        for lane in range(0, lanes, 8):
            valid = _valid(a, s, block, lanes, lane, n)
            for k in range(at + lane, at + lane + _places(s) * lanes, lanes):
                normal = (load(a, s[X] + k, 8) - splat(mean, 8)) * splat(inverse, 8)
                g = load(a, s[GY] + k, 8) - splat(plain, 8) - normal * splat(along, 8)
                store(a, s[GX] + k, g * scale * valid)
