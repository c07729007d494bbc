"""Tiles: several vectors that stay in registers while terms are added to each of them.

A tile says which sums are computed side by side, never in which order the terms of one sum are added.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic

from suite.kernels.vectors import Vector, call, picked, read, spread, write


def _places(builder: Any, first: Any, step: Any, count: int) -> list[Any]:
    """first, first + step, first + 2 * step, …"""
    places = [first]
    for _ in range(count - 1):
        places.append(builder.add(places[-1], step))
    return places


@intrinsic(prefer_literal=True)
def tile_splat(_typing, memory, first, count, lanes):
    """`count` vectors; vector t has memory[first + t] in all lanes."""
    kind = types.UniTuple(Vector(lanes.literal_value), count.literal_value)

    def generate(context, builder, _signature, args):
        places = _places(builder, args[1], args[1].type(1), kind.count)
        parts = [spread(builder, read(builder, args[0], place, 0), kind.dtype.lanes) for place in places]
        return context.make_tuple(builder, kind, parts)

    return kind(memory, types.intp, count, lanes), generate


@intrinsic(prefer_literal=True)
def tile_load(_typing, memory, first, step, count, lanes):
    """`count` vectors; vector t is read from memory[first + t * step] on."""
    kind = types.UniTuple(Vector(lanes.literal_value), count.literal_value)

    def generate(context, builder, _signature, args):
        places = _places(builder, args[1], args[2], kind.count)
        return context.make_tuple(builder, kind, [read(builder, args[0], at, kind.dtype.lanes) for at in places])

    return kind(memory, types.intp, types.intp, count, lanes), generate


@intrinsic
def tile_store(_typing, memory, first, step, tile):
    """Vector t of the tile to memory[first + t * step] and the places after it."""

    def generate(_context, builder, signature, args):
        for t, place in enumerate(_places(builder, args[1], args[2], signature.args[3].count)):
            write(builder, args[0], place, builder.extract_value(args[3], t))

    return types.void(memory, types.intp, types.intp, tile), generate


@intrinsic(prefer_literal=True)
def tile_run(_typing, tile, memory, weights, across, along, images, step, taps):
    """Adds to vector t of the tile, for tap k from 0 up, the product of a weight and a vector of images.

    They are memory[weights + t * across + k * along] and the lanes from memory[images + k * step] on. All `taps` are
    written out, without a loop.
    """

    def generate(context, builder, signature, args):
        tile_, memory_, weights_, across_, along_, images_, step_, _ = args
        kind, count = signature.return_type, signature.args[7].literal_value
        parts = [builder.extract_value(tile_, t) for t in range(kind.count)]
        firsts, vectors = _places(builder, weights_, along_, count), _places(builder, images_, step_, count)
        for first, place in zip(firsts, vectors, strict=True):
            vector = read(builder, memory_, place, kind.dtype.lanes)
            for t, at in enumerate(_places(builder, first, across_, kind.count)):
                weight = spread(builder, read(builder, memory_, at, 0), kind.dtype.lanes)
                parts[t] = call(builder, "llvm.fma", weight, vector, parts[t])
        return context.make_tuple(builder, kind, parts)

    whole = types.intp
    return tile(tile, memory, whole, whole, whole, whole, whole, taps), generate


@intrinsic(prefer_literal=True)
def tile_outer(_typing, tile, memory, left, across, count, right, along):
    """Adds to vector p * q_count + q of the tile the product of a left and a right vector, for `count` left ones.

    They are read from memory[left + p * across] and memory[right + q * along] on.
    """

    def generate(context, builder, signature, args):
        tile_, memory_, left_, across_, _, right_, along_ = args
        kind, lefts = signature.return_type, signature.args[4].literal_value
        rights = kind.count // lefts
        rows = [read(builder, memory_, at, kind.dtype.lanes) for at in _places(builder, left_, across_, lefts)]
        parts = {}
        for q, at in enumerate(_places(builder, right_, along_, rights)):
            vector = read(builder, memory_, at, kind.dtype.lanes)
            for p, row in enumerate(rows):
                sum_ = builder.extract_value(tile_, p * rights + q)
                parts[p * rights + q] = call(builder, "llvm.fma", row, vector, sum_)
        return context.make_tuple(builder, kind, [parts[k] for k in range(kind.count)])

    whole = types.intp
    return tile(tile, memory, whole, whole, count, whole, whole), generate


# The orders in which two vectors of 8 become one: pairs of numbers side by side, then fours.
_PAIRS = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
_FOURS = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]


@intrinsic
def turn8(_typing, memory, source, down, target, across):
    """memory[target + c * across + r] = memory[source + r * down + c] for 8 × 8 numbers."""

    def generate(_context, builder, _signature, args):
        memory_, source_, down_, target_, across_ = args
        rows = [read(builder, memory_, at, 8) for at in _places(builder, source_, down_, 8)]
        rows = [picked(builder, rows[r], rows[r + 1], order) for r in (0, 2, 4, 6) for order in _PAIRS]
        rows = [picked(builder, rows[k], rows[k + 2], order) for k in (0, 1, 4, 5) for order in _FOURS]
        for c, at in enumerate(_places(builder, target_, across_, 8)):
            low = [0, 1, 2, 3, 8, 9, 10, 11] if c < 4 else [4, 5, 6, 7, 12, 13, 14, 15]
            write(builder, memory_, at, picked(builder, rows[c % 4], rows[c % 4 + 4], low))

    whole = types.intp
    return types.void(memory, whole, whole, whole, whole), generate
