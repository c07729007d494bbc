"""The backward pass of a convolution, a band of rows at a time: what lies before the pool is used while it is cached.

Each lane sums the gradients of the images in its own place, in the order of blocks, rows and columns; at the end the
16 sums are added.
"""

import numpy as np
from numba import cfunc, njit

from suite.kernels.blocks import clear, copy, lanes_of
from suite.kernels.convolution import MAX, NONE, row_function, tile_from
from suite.kernels.fields import (
    AUX, BACK16, BAND, BIASES, GBIAS, GROUP, GWEIGHT, GX, GY, HI, HO, HP, IN, KH, KW, OUT, OUTER8, OUTER16, PH, PW,
    SCRATCH, SH, SUMS, SW, TILE_BACK, TURNED, WI, WO, WP, X, ZEROS,
)  # fmt: skip
from suite.kernels.products import ALL, OPERATION, call_outer, call_row
from suite.kernels.vectors import load, onto, splat, store, total, where_at_most, where_equal

jit = njit(error_model="numpy")
f32 = np.float32


def make_backward(pool: int, fused: bool, halves: bool) -> int:
    """The address of the backward pass.

    `fused`: one function has all the columns of a kernel, else one tap. `halves`: 16 lanes are two vectors of 8,
    because the processor has no registers for more.
    """

    def backward(a, s, first, last, n):
        step = 1 if pool == NONE else 2
        for block in range(first, last):
            lanes = lanes_of(block, n)
            x, wide = s[X] + block * 16 * s[IN] * s[HI] * s[WI], s[WI] + 2 * s[PW]
            whole = _channels(s)
            kept = s[HO] if s[GX] >= 0 else s[BAND]
            rows = s[SCRATCH] + whole * kept * s[WO] * lanes  # behind the gradient: the images with their padding
            if s[PW]:
                _surround(a, s, x, lanes, rows)
                x = rows
            clear(a, s[SCRATCH] + s[OUT] * kept * s[WO] * lanes, (whole - s[OUT]) * kept * s[WO] * lanes)
            for top in range(0, s[HO], s[BAND]):
                bottom = min(top + s[BAND], s[HO])
                at = top if s[GX] >= 0 else 0
                for o in range(s[OUT]):
                    _before_pool(a, s, block, lanes, o, top // step, bottom, s[SCRATCH] + (o * kept + at) * s[WO] * lanes, pool)
                _weights(a, s, lanes, top, bottom, at, kept, x, wide, fused, halves)
            if s[GX] >= 0:
                _images(a, s, block, lanes)

    return int(cfunc(OPERATION, cache=True, error_model="numpy")(backward).address)


@jit
def _channels(s):
    """The output channels, rounded up to whole groups."""
    return (s[OUT] + s[GROUP] - 1) // s[GROUP] * s[GROUP]


@jit
def _surround(a, s, x, lanes, target):
    """A copy of a block's images with zeros beside each row."""
    wide = (s[WI] + 2 * s[PW]) * lanes
    for r in range(s[IN] * s[HI]):
        at = target + r * wide
        clear(a, at, s[PW] * lanes)
        copy(a, x + r * s[WI] * lanes, at + s[PW] * lanes, s[WI] * lanes)
        clear(a, at + (s[PW] + s[WI]) * lanes, s[PW] * lanes)


@jit
def _before_pool(a, s, block, lanes, o, h, bottom, out, pool):
    """The gradient of channel o before its pool, from the pool's row h up to row `bottom`; adds it to the bias's."""
    area, step = s[HP] * s[WP], 1 if pool == NONE else 2
    sums = s[BIASES] + o * 16
    end = min(bottom // step, s[HP])
    while h < end:
        at = (block * 16 * s[OUT] * area) + (o * area + h * s[WP]) * lanes
        if lanes == 16:
            _spread16(a, s[GY] + at, s[AUX] + at, s[WO], s[WP], pool, out, sums)
        else:
            _spread8(a, s[GY] + at, s[AUX] + at, s[WO], s[WP], pool, out, sums)
        out += step * s[WO] * lanes
        h += 1
    if end * step < bottom:  # the pool leaves out the last row of an odd number
        clear(a, out, (bottom - end * step) * s[WO] * lanes)


def _make_spread(lanes):
    @jit
    def spread_row(a, g, aux, width, columns, pool, out, sums):
        """A row of the gradient after the pool becomes the one or two rows before it."""
        zero, one, two, three = splat(f32(0.0), lanes), splat(f32(1.0), lanes), splat(f32(2.0), lanes), splat(f32(3.0), lanes)
        quarter, bias = splat(f32(0.25), lanes), load(a, sums, 16)
        down = width * lanes
        for q in range(columns):
            v = load(a, g + q * lanes, lanes)
            if pool == NONE:
                bias = onto(bias, v)
                store(a, out + q * lanes, v)
                continue
            noted, at = load(a, aux + q * lanes, lanes), out + 2 * q * lanes
            if pool == MAX:
                v0, v1 = where_equal(noted, zero, v, zero), where_equal(noted, one, v, zero)
                v2, v3 = where_equal(noted, two, v, zero), where_equal(noted, three, v, zero)
                bias = onto(bias, v)
            else:
                v, seven = v * quarter, splat(f32(7.0), lanes)
                v3, noted = where_at_most(noted, seven, zero, v), where_at_most(noted, seven, noted, noted - (seven + one))
                v2, noted = where_at_most(noted, three, zero, v), where_at_most(noted, three, noted, noted - (three + one))
                v1, noted = where_at_most(noted, one, zero, v), where_at_most(noted, one, noted, noted - two)
                v0 = where_at_most(noted, zero, zero, v)
                bias = onto(bias, (v0 + v1) + (v2 + v3))
            store(a, at, v0)
            store(a, at + lanes, v1)
            store(a, at + down, v2)
            store(a, at + down + lanes, v3)
        if pool != NONE and width % 2:
            store(a, out + (width - 1) * lanes, zero)
            store(a, out + down + (width - 1) * lanes, zero)
        store(a, sums, bias)

    return spread_row


_spread16, _spread8 = _make_spread(16), _make_spread(8)


@jit
def _weights(a, s, lanes, top, bottom, at, kept, x, wide, fused, halves):
    """Add the products of a band's rows to the sums of the weights' gradients."""
    plane, row, group = kept * s[WO] * lanes, s[WO] * lanes, s[GROUP]
    taps = 1 if fused else s[KW]
    apart = 16 if fused else s[KW] * 16
    outer = s[OUTER16] if lanes == 16 and not halves else s[OUTER8]
    for g in range(_channels(s) // group):
        for i in range(s[IN]):
            for ky in range(s[KH]):
                first = max(top, (s[PH] - ky + s[SH] - 1) // s[SH])
                last = min(bottom, (s[HI] - 1 + s[PH] - ky) // s[SH] + 1)
                dy = s[SCRATCH] + g * group * plane + (at + first - top) * row
                source = x + (i * s[HI] + first * s[SH] + ky - s[PH]) * wide * lanes
                sums = s[SUMS] + ((g * s[IN] + i) * s[KH] + ky) * group * s[KW] * 16
                for kx in range(taps):
                    for half in range(0, 16 if halves and lanes == 16 else 8, 8):
                        call_outer(
                            outer, (a, dy + half, plane, row, source + kx * lanes + half, s[SH] * wide * lanes,
                            s[SW] * lanes, lanes, last - first, s[WO], sums + kx * 16 + half, apart)
                        )  # fmt: skip


@jit
def _images(a, s, block, lanes):
    """The gradient of the layer's input: a convolution with the turned kernels.

    Where the layer has a stride, its output's gradient is first written with zeros between.
    """
    dy, height, width = s[SCRATCH], s[HO], s[WO]
    if s[SH] > 1 or s[SW] > 1:
        dy, height, width = _dilated(a, s, lanes)
    gx, c = s[GX] + block * 16 * s[IN] * s[HI] * s[WI], 0
    while c < s[IN]:
        channels = tile_from(c, s[IN], s[TILE_BACK])
        row = row_function(s, channels == s[TILE_BACK], lanes, BACK16)
        weights = s[TURNED] + c * s[OUT] * s[KH] * s[KW]
        for h in range(s[HI]):
            call_row(
                row, (a, dy, s[OUT], height, width, weights, s[ZEROS], h, s[WI], gx + (c * s[HI] + h) * s[WI] * lanes,
                s[HI] * s[WI] * lanes, s[KH], s[KW], 1, 1, s[KH] - 1 - s[PH], s[KW] - 1 - s[PW])
            )  # fmt: skip
        c += channels


@jit
def _dilated(a, s, lanes):
    """Where the gradient now is with zeros between its rows and columns, its height and its width."""
    height, width = (s[HO] - 1) * s[SH] + 1, (s[WO] - 1) * s[SW] + 1
    padded = s[IN] * s[HI] * (s[WI] + 2 * s[PW]) if s[PW] else 0
    target = s[SCRATCH] + (_channels(s) * s[HO] * s[WO] + padded) * lanes
    clear(a, target, s[OUT] * height * width * lanes)
    for o in range(s[OUT]):
        for h in range(s[HO]):
            for q in range(s[WO]):
                source = s[SCRATCH] + ((o * s[HO] + h) * s[WO] + q) * lanes
                copy(a, source, target + ((o * height + h * s[SH]) * width + q * s[SW]) * lanes, lanes)
    return target, height, width


def make_end() -> int:
    """The address of the function that adds the lanes' sums, in the order of the layer's own weights."""

    def end(a, s):
        for o in range(s[OUT]):
            for i in range(s[IN]):
                for ky in range(s[KH]):
                    row = ((o // s[GROUP] * s[IN] + i) * s[KH] + ky) * s[GROUP] + o % s[GROUP]
                    for kx in range(s[KW]):
                        to = s[GWEIGHT] + ((o * s[IN] + i) * s[KH] + ky) * s[KW] + kx
                        a[to] = total(load(a, s[SUMS] + (row * s[KW] + kx) * 16, 16))
            if s[GBIAS] >= 0:
                a[s[GBIAS] + o] = total(load(a, s[BIASES] + o * 16, 16))
        clear(a, s[SUMS], _channels(s) * s[IN] * s[KH] * s[KW] * 16)
        clear(a, s[BIASES], s[OUT] * 16)

    return int(cfunc(ALL, cache=True, error_model="numpy")(end).address)
