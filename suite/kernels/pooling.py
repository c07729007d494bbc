"""Max- and average pooling of any size, stride and padding.

Max-pooling takes the first of equal numbers and, as torch does, a NaN before any number. Padding counts as zeros in a
mean where the layer says so, and never in a maximum.
"""

from suite.kernels.blocks import clear, lanes_of
from suite.kernels.fields import AUX, GX, GY, HI, HO, IN, KH, KW, PH, PW, SECOND, SH, SW, WI, WO, X, Y
from suite.kernels.kinds import f32, jit
from suite.kernels.products import OPERATION
from suite.kernels.vectors import load, splat, store, where_equal, where_greater

MAX, MEAN = range(2)


@jit
def _window(s, h, q):
    """The rows and columns of a window that lie in the image: their first and the one after their last."""
    top, left = h * s[SH] - s[PH], q * s[SW] - s[PW]
    return max(0, top), min(s[HI], top + s[KH]), max(0, left), min(s[WI], left + s[KW])


@jit
def _divisor(s, window):
    """How many pixels a mean counts; SECOND is 1 if those of the padding count too."""
    top, bottom, left, right = window
    return s[KH] * s[KW] if s[SECOND] else (bottom - top) * (right - left)


def make(kind: int, backward: bool):
    """The forward pass, or the backward pass: there each gradient is added to its window, in the windows' order."""

    def pool(a, s, first, last, n):
        for block in range(first, last):
            lanes = lanes_of(block, n)
            image, at = block * 16 * s[IN] * s[HI] * s[WI], block * 16 * s[IN] * s[HO] * s[WO]
            if backward:
                clear(a, s[GX] + image, s[IN] * s[HI] * s[WI] * lanes)
            for c in range(s[IN]):
                for h in range(s[HO]):
                    for q in range(s[WO]):
                        for lane in range(0, lanes, 8):
                            plane = image + c * s[HI] * s[WI] * lanes + lane
                            out = at + ((c * s[HO] + h) * s[WO] + q) * lanes + lane
                            window = _window(s, h, q)
                            if backward:
                                _spread(a, s, kind, window, s[GX] + plane, lanes, s[GY] + out, s[AUX] + out)
                            elif kind == MAX:
                                _most(a, s, window, s[X] + plane, lanes, s[Y] + out, s[AUX] + out)
                            else:
                                _mean(a, s, window, s[X] + plane, lanes, s[Y] + out)

    return OPERATION, pool


@jit
def _most(a, s, window, plane, lanes, y, aux):
    """The largest of a window, and which it was: its place in the image."""
    top, bottom, left, right = window
    most, noted = load(a, plane + (top * s[WI] + left) * lanes, 8), splat(f32(top * s[WI] + left), 8)
    for r in range(top, bottom):
        for c in range(left, right):
            v, place = load(a, plane + (r * s[WI] + c) * lanes, 8), splat(f32(r * s[WI] + c), 8)
            noted, most = where_greater(v, most, place, noted), where_greater(v, most, v, most)
    store(a, y, most)
    store(a, aux, noted)


@jit
def _mean(a, s, window, plane, lanes, y):
    top, bottom, left, right = window
    sum_ = splat(f32(0.0), 8)
    for r in range(top, bottom):
        for c in range(left, right):
            sum_ = sum_ + load(a, plane + (r * s[WI] + c) * lanes, 8)
    store(a, y, sum_ * splat(f32(1.0) / f32(_divisor(s, window)), 8))


@jit
def _spread(a, s, kind, window, plane, lanes, gy, aux):
    top, bottom, left, right = window
    v, zero = load(a, gy, 8), splat(f32(0.0), 8)
    share = v * splat(f32(1.0) / f32(_divisor(s, window)), 8)
    for r in range(top, bottom):
        for c in range(left, right):
            place = r * s[WI] + c
            mine = where_equal(load(a, aux, 8), splat(f32(place), 8), v, zero) if kind == MAX else share
            store(a, plane + place * lanes, load(a, plane + place * lanes, 8) + mine)
