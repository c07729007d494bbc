"""The optimisers' updates, as torch's own compute them: over all weights of a network, which lie side by side."""

import math

from numba import types

from suite.kernels.functions import power
from suite.kernels.kinds import f32, f64, jit
from suite.kernels.products import MEMORY, WHOLE
from suite.kernels.vectors import fma, load, root, splat, store

REAL = types.float64
CLIP = types.void(MEMORY, WHOLE, WHOLE, REAL)
SGD = types.void(MEMORY, WHOLE, WHOLE, WHOLE, WHOLE, REAL, REAL, REAL)
ADAM = types.void(MEMORY, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, *[REAL] * 5)


def make_clip():
    """The function that scales `count` gradients, where their norm is above `most`, as `nn.utils.clip_grad_norm_` does.

    The squares are added in the order of the weights, in 64 bits, which hold each of them exactly.
    """

    def clip(a, gradients, count, most):
        squares = 0.0
        for k in range(count):
            squares += f64(a[gradients + k]) * f64(a[gradients + k])
        share = most / (math.sqrt(squares) + 1e-6)
        if not share >= 1.0:  # or it is NaN
            for k in range(0, count, 8):
                store(a, gradients + k, load(a, gradients + k, 8) * splat(f32(share), 8))

    return CLIP, clip


def make_sgd(nesterov: bool):
    """SGD's update of `count` weights; `moved` is the momentum's place, unused without momentum."""

    def sgd(a, weights, gradients, moved, count, rate, momentum, decay):
        step, mu, wd = splat(f32(-rate), 8), splat(f32(momentum), 8), splat(f32(decay), 8)
        for k in range(0, count, 8):
            w = load(a, weights + k, 8)
            g = fma(wd, w, load(a, gradients + k, 8)) if decay != 0.0 else load(a, gradients + k, 8)
            if momentum != 0.0:
                v = fma(mu, load(a, moved + k, 8), g)
                store(a, moved + k, v)
                g = fma(mu, v, g) if nesterov else v
            store(a, weights + k, fma(step, g, w))

    return SGD, sgd


def make_adam(decoupled: bool):
    """The address of Adam's update; `decoupled` decay is AdamW's. There are `parts` equal counters of the steps."""

    def adam(a, weights, gradients, means, squares, count, steps, parts, rate, beta1, beta2, tiny, decay):
        t = int(a[steps]) + 1
        for k in range(parts):
            a[steps + k] = f32(t)
        step = splat(f32(-rate / (1.0 - power(beta1, t))), 8)
        scale = splat(f32(1.0 / math.sqrt(1.0 - power(beta2, t))), 8)
        b1, c1, b2, c2 = _four(beta1, beta2)
        eps, wd, kept = splat(f32(tiny), 8), splat(f32(decay), 8), splat(f32(1.0 - rate * decay), 8)
        for k in range(0, count, 8):
            w, g = load(a, weights + k, 8), load(a, gradients + k, 8)
            if decay != 0.0:
                if decoupled:
                    w = w * kept
                else:
                    g = fma(wd, w, g)
            mean = fma(load(a, means + k, 8), b1, c1 * g)
            square = fma(load(a, squares + k, 8), b2, c2 * g * g)
            store(a, means + k, mean)
            store(a, squares + k, square)
            store(a, weights + k, fma(step, mean / fma(root(square), scale, eps), w))

    return ADAM, adam


@jit
def _four(beta1, beta2):
    """How much of each running mean stays and how much of the new value comes in, as vectors."""
    return splat(f32(beta1), 8), splat(f32(1.0 - beta1), 8), splat(f32(beta2), 8), splat(f32(1.0 - beta2), 8)
