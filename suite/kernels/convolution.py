"""Convolution with its bias and, where one follows, a pool of 2 × 2 in the same pass: nothing larger is written.

A max-pool notes which of its four it took, none if a ReLU beside it gives 0. Of a mean after ReLU the signs are noted.
"""

from suite.kernels.blocks import lanes_of
from suite.kernels.fields import (
    AUX,
    BIAS,
    GX,
    HI,
    HP,
    IN,
    KH,
    KW,
    MANY16,
    NOTES,
    OUT,
    PACKED,
    PH,
    PLAIN,
    PW,
    RELU_MAX,
    RELU_MEAN,
    SCRATCH,
    SH,
    SW,
    TILE,
    TILE_BACK,
    TURNED,
    WEIGHT,
    WI,
    WO,
    WP,
    ZEROS,
    X,
    Y,
)
from suite.kernels.kinds import f32, jit
from suite.kernels.noting import most_of, note, positive_sum_of
from suite.kernels.products import ALL, OPERATION, call_row
from suite.kernels.vectors import load, splat, store


@jit
def function_of(s, whole, lanes, first):
    """The address in the plan of a function for a whole tile, or for the channels that are left over."""
    return s[first + (0 if whole else 2) + (0 if lanes == 16 else 1)]


@jit
def tile_from(o, count, tile):
    """How many channels the tile has that begins at channel o: the last one has those that are left over."""
    return min(tile, count - o)


def make_forward(pool: int):
    """The forward pass; `pool` is what follows in the same pass."""

    def forward(a, s, first, last, n):
        area = s[HP] * s[WP]
        for block in range(first, last):
            lanes = lanes_of(block, n)
            x, y = s[X] + block * 16 * s[IN] * s[HI] * s[WI], s[Y] + block * 16 * s[OUT] * area
            o = 0
            while o < s[OUT]:
                channels = tile_from(o, s[OUT], s[TILE])
                row = function_of(s, channels == s[TILE], lanes, MANY16)
                for h in range(s[HP]):
                    out = (o * area + h * s[WP]) * lanes
                    if pool == PLAIN:
                        _one_row(a, s, row, x, o, h, y + out, area * lanes)
                        continue
                    plane = 2 * s[WO] * lanes
                    _one_row(a, s, row, x, o, 2 * h, s[SCRATCH], plane)
                    _one_row(a, s, row, x, o, 2 * h + 1, s[SCRATCH] + s[WO] * lanes, plane)
                    for t in range(channels):
                        at = out + t * area * lanes
                        aux = s[AUX] + ((block * s[OUT] + o + t) * area + h * s[WP]) * NOTES
                        if lanes == 16:
                            _pool16(a, s[SCRATCH] + t * plane, s[WO], s[WP], pool, y + at, aux)
                        else:
                            _pool8(a, s[SCRATCH] + t * plane, s[WO], s[WP], pool, y + at, aux)
                o += channels

    return OPERATION, forward


@jit
def _one_row(a, s, row, x, o, h, y, plane):
    """Row h of the channels from o on, before a pool."""
    bias = s[BIAS] + o if s[BIAS] >= 0 else s[ZEROS]
    weights = s[PACKED] + o * s[IN] * s[KH] * s[KW]
    call_row(
        row, (a, x, s[IN], s[HI], s[WI], weights, bias, h, s[WO], y, plane, s[KH], s[KW], s[SH], s[SW], s[PH], s[PW])
    )  # fmt: skip


def _make_pool(lanes):
    @jit
    def pool_row(a, source, width, columns, pool, y, aux):
        """Two rows of so many columns become one; what the gradient needs goes to aux."""
        for q in range(columns):
            at = source + 2 * q * lanes
            v0, v1 = load(a, at, lanes), load(a, at + lanes, lanes)
            v2, v3 = load(a, at + width * lanes, lanes), load(a, at + (width + 1) * lanes, lanes)
            if pool == RELU_MEAN:
                v, notes = positive_sum_of(v0, v1, v2, v3)
                v = v * splat(f32(0.25), lanes)
            elif pool == RELU_MAX:
                v, notes = most_of(v0, v1, v2, v3, True)
            else:
                v, notes = most_of(v0, v1, v2, v3, False)
            store(a, y + q * lanes, v)
            note(a, aux + q * NOTES, notes)

    return pool_row


_pool16, _pool8 = _make_pool(16), _make_pool(8)


def make_begin():
    """The function that packs the weights in the order in which tiles read them.

    Forwards that is [tile][input channel][tap][channel of the tile]; backwards the same of the turned kernels.
    """

    def begin(a, s):
        taps = s[KH] * s[KW]
        for o in range(s[OUT]):
            for i in range(s[IN]):
                at = s[WEIGHT] + (o * s[IN] + i) * taps
                for t in range(taps):
                    a[s[PACKED] + _packed(o, i, t, s[OUT], s[IN], taps, s[TILE])] = a[at + t]
                if s[GX] >= 0:
                    for t in range(taps):
                        a[s[TURNED] + _packed(i, o, t, s[IN], s[OUT], taps, s[TILE_BACK])] = a[at + taps - 1 - t]

    return ALL, begin


@jit
def _packed(o, i, t, outs, ins, taps, tile):
    """The place of the weight of output channel o, input channel i and tap t."""
    first = o - o % tile
    tile = min(tile, outs - first)
    return first * ins * taps + (i * taps + t) * tile + o - first
