"""The backward pass of a convolution, a band of rows at a time: what lies before the pool is used while it is cached.

Each lane sums the gradients of the images in its own place, in the order of blocks, rows and columns; at the end the
16 sums are added.
"""

from suite.kernels.blocks import clear, copy, lanes_of
from suite.kernels.fields import (
    AUX,
    BAND,
    BIASES,
    GBIAS,
    GROUP,
    GWEIGHT,
    GX,
    GY,
    HI,
    HO,
    HP,
    IN,
    KH,
    KW,
    MAX,
    NOTES,
    OUT,
    OUTER8,
    OUTER16,
    PH,
    PLAIN,
    PW,
    RELU_MEAN,
    SCRATCH,
    SH,
    SUMS,
    SW,
    WI,
    WO,
    WP,
    X,
)
from suite.kernels.image_gradient import channels_of, image_gradient
from suite.kernels.kinds import f32, jit
from suite.kernels.noting import noted, shares_of
from suite.kernels.products import ALL, OPERATION, call_outer
from suite.kernels.vectors import load, onto, splat, store, total


def make_backward(pool: int, fused: bool, halves: bool):
    """The backward pass.

    `fused`: one function has all the columns of a kernel, else one tap. `halves`: 16 lanes are two vectors of 8,
    because the processor has no registers for more.
    """

    def backward(a, s, first, last, n):
        step = 1 if pool == PLAIN else 2
        for block in range(first, last):
            lanes = lanes_of(block, n)
            x, wide = s[X] + block * 16 * s[IN] * s[HI] * s[WI], s[WI] + 2 * s[PW]
            whole = channels_of(s)
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
                    out = s[SCRATCH] + (o * kept + at) * s[WO] * lanes
                    _before_pool(a, s, block, lanes, o, top // step, bottom, out, pool)
                _weights(a, s, lanes, top, bottom, at, kept, x, wide, fused, halves)
            if s[GX] >= 0:
                image_gradient(a, s, block, lanes)

    return OPERATION, backward


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
    area, step = s[HP] * s[WP], 1 if pool == PLAIN else 2
    sums = s[BIASES] + o * 16
    end = min(bottom // step, s[HP])
    while h < end:
        gy = s[GY] + (block * 16 * s[OUT] * area) + (o * area + h * s[WP]) * lanes
        aux = s[AUX] + ((block * s[OUT] + o) * area + h * s[WP]) * NOTES
        if lanes == 16:
            _spread16(a, gy, aux, s[WO], s[WP], pool, out, sums)
        else:
            _spread8(a, gy, aux, s[WO], s[WP], pool, out, sums)
        out += step * s[WO] * lanes
        h += 1
    if end * step < bottom:  # the pool leaves out the last row of an odd number
        clear(a, out, (bottom - end * step) * s[WO] * lanes)


def _make_spread(lanes):
    @jit
    def spread_row(a, g, aux, width, columns, pool, out, sums):
        """A row of the gradient after the pool becomes the one or two rows before it."""
        bias = load(a, sums, 16)
        down = width * lanes
        for q in range(columns):
            v = load(a, g + q * lanes, lanes)
            if pool == PLAIN:
                bias = onto(bias, v)
                store(a, out + q * lanes, v)
                continue
            notes, at = noted(a, aux + q * NOTES), out + 2 * q * lanes
            if pool == RELU_MEAN:
                v = v * splat(f32(0.25), lanes)
            v0, v1, v2, v3 = shares_of(v, notes)
            bias = onto(bias, v if pool == MAX else (v0 + v1) + (v2 + v3))
            store(a, at, v0)
            store(a, at + lanes, v1)
            store(a, at + down, v2)
            store(a, at + down + lanes, v3)
        if pool != PLAIN and width % 2:
            clear(a, out + (width - 1) * lanes, lanes)
            clear(a, out + down + (width - 1) * lanes, lanes)
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
    for g in range(channels_of(s) // group):
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


def make_end():
    """The function that adds the lanes' sums, in the order of the layer's own weights."""

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
        clear(a, s[SUMS], channels_of(s) * s[IN] * s[KH] * s[KW] * 16)
        clear(a, s[BIASES], s[OUT] * 16)

    return ALL, end
