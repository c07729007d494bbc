"""The gradient of a convolution's input: a convolution of its output's gradient with the turned kernels."""

from suite.kernels.blocks import clear, copy
from suite.kernels.convolution import function_of, tile_from
from suite.kernels.fields import (
    BACK16,
    GROUP,
    GX,
    HI,
    HO,
    IN,
    KH,
    KW,
    OUT,
    PH,
    PW,
    SCRATCH,
    SH,
    SW,
    TILE_BACK,
    TURNED,
    WI,
    WO,
    ZEROS,
)
from suite.kernels.kinds import jit
from suite.kernels.products import call_row


@jit
def channels_of(s):
    """The output channels, rounded up to whole groups."""
    return (s[OUT] + s[GROUP] - 1) // s[GROUP] * s[GROUP]


@jit
def image_gradient(a, s, block, lanes):
    """The gradient of the layer's input: a convolution with the turned kernels.

    Where the layer has a stride, its output's gradient is first written with zeros between.
    """
    dy, height, width = s[SCRATCH], s[HO], s[WO]
    if s[SH] > 1 or s[SW] > 1:
        dy, height, width = _dilated(a, s, lanes)
    gx, c = s[GX] + block * 16 * s[IN] * s[HI] * s[WI], 0
    while c < s[IN]:
        channels = tile_from(c, s[IN], s[TILE_BACK])
        row = function_of(s, channels == s[TILE_BACK], lanes, BACK16)
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
    target = s[SCRATCH] + (channels_of(s) * s[HO] * s[WO] + padded) * lanes
    clear(a, target, s[OUT] * height * width * lanes)
    for o in range(s[OUT]):
        for h in range(s[HO]):
            for q in range(s[WO]):
                source = s[SCRATCH] + ((o * s[HO] + h) * s[WO] + q) * lanes
                copy(a, source, target + ((o * height + h * s[SH]) * width + q * s[SW]) * lanes, lanes)
    return target, height, width
