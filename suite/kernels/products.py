"""The four loops that take nearly all the time of a training step. Each adds products to tiles of sums in registers.

Arrays are [channel][row][column][lane]: a vector has the same pixel of 16 images, or of 8.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from suite.kernels.tiles import tile_load, tile_outer, tile_run, tile_splat, tile_store

MEMORY, WHOLE = types.CPointer(types.float32), types.intp
ROW = types.void(MEMORY, *[WHOLE] * 16)
DOT = types.void(MEMORY, *[WHOLE] * 8)
OUTER = types.void(MEMORY, *[WHOLE] * 11)
ACROSS = types.void(MEMORY, *[WHOLE] * 8)
PLAN = types.CPointer(types.intp)
OPERATION = types.void(MEMORY, PLAN, WHOLE, WHOLE, WHOLE)  # of a row, for the blocks from … to … of n images
ALL = types.void(MEMORY, PLAN)


def make_row(channels: int, lanes: int, size: int):
    """A function that computes one row of a convolution's output, for so many channels.

    Its kernels have `size` columns; 0: as many as the call says. Weights are [input channel][row][column][channel].
    Pixels outside the image are left out, not multiplied by 0.
    """

    taps = max(size, 1)

    def row(memory, x, count, height, width, weights, bias, h, columns, y, plane, kh, kw, down, across, top, left):
        first = h * down - top
        ky0, ky1 = max(0, -first), min(kh, height - first)
        for q in range(columns):
            tile = tile_splat(memory, bias, channels, lanes)
            column = q * across - left
            kx0, kx1 = max(0, -column), min(kw, width - column)
            corner = x + (first * width + column) * lanes
            if size > 0 and kx1 - kx0 == size:
                for i in range(count):
                    for ky in range(ky0, ky1):
                        w, v = weights + (i * kh + ky) * size * channels, corner + (i * height + ky) * width * lanes
                        tile = tile_run(tile, memory, w, 1, channels, v, lanes, taps)
            else:
                for i in range(count):
                    for ky in range(ky0, ky1):
                        w, v = weights + (i * kh + ky) * kw * channels, corner + (i * height + ky) * width * lanes
                        for kx in range(kx0, kx1):
                            tile = tile_run(tile, memory, w + kx * channels, 1, channels, v + kx * lanes, lanes, 1)
            tile_store(memory, y + q * lanes, plane, tile)

    return ROW, row


def make_dot(channels: int, lanes: int):
    """A function that computes so many sums over n of weight [t][n] times x[n], t apart by `across`.

    They begin with the bias or, where `bias` is negative, with what y has.
    """

    def dot(memory, x, n, weights, across, along, bias, y, plane):
        tile = tile_splat(memory, bias, channels, lanes) if bias >= 0 else tile_load(memory, y, plane, channels, lanes)
        whole = n - n % 4
        for k in range(0, whole, 4):
            tile = tile_run(tile, memory, weights + k * along, across, along, x + k * lanes, lanes, 4)
        for k in range(whole, n):
            tile = tile_run(tile, memory, weights + k * along, across, along, x + k * lanes, lanes, 1)
        tile_store(memory, y, plane, tile)

    return DOT, dot


def make_outer(channels: int, taps: int, lanes: int):
    """A function that adds products to the sums of a weight's gradient, one vector of sums each.

    The sum of channel p and tap q gets dy[p][row][column] * x[row][column * across + q] for all rows and columns; they
    are `apart` numbers from each other, those of one channel first. Neighbouring pixels are `pitch` numbers apart.
    """

    count = channels * taps

    def outer(memory, dy, plane, row, x, down, across, pitch, rows, columns, sums, apart):
        tile = tile_load(memory, sums, apart, count, lanes)
        for r in range(rows):
            left, right = dy + r * row, x + r * down
            end = left + columns * pitch
            while left != end:  # not `for`: LLVM would write the turns out, two at a time, and run out of registers
                tile = tile_outer(tile, memory, left, plane, channels, right, pitch)
                left += pitch
                right += across
        tile_store(memory, sums, apart, tile)

    return OUTER, outer


def make_across(features: int):
    """A function that computes, for so many input features and 16 outputs, sums over the images of `blocks` blocks.

    Each product is x[feature][image] times g[image][output]; blocks of x are `apart`, the sums of two features `plane`.
    They begin with memory[start], which is 0, or where `start` is negative with what y has.
    """

    def across(memory, x, blocks, apart, lanes, g, start, y, plane):
        tile = tile_splat(memory, start, features, 16) if start >= 0 else tile_load(memory, y, plane, features, 16)
        for _ in range(blocks):
            for k in range(0, lanes, 8):
                tile = tile_run(tile, memory, x + k, lanes, 1, g + k * 16, 16, 8)
            x += apart
            g += lanes * 16
        tile_store(memory, y, plane, tile)

    return ACROSS, across


def _caller(kind):
    """An operation of an address and a tuple of arguments: it calls the function at that address.

    A function that is called by its name would be compiled anew into each of its callers.
    """

    def at_address(_typing, _address, _arguments):
        def generate(context, builder, _signature, args):
            signature = ir.FunctionType(ir.VoidType(), [context.get_value_type(one) for one in kind.args])
            function = builder.inttoptr(args[0], signature.as_pointer())
            builder.call(function, cgutils.unpack_tuple(builder, args[1]))

        return types.void(types.intp, types.Tuple(kind.args)), generate

    return intrinsic(at_address)


call_row, call_dot, call_outer, call_across = _caller(ROW), _caller(DOT), _caller(OUTER), _caller(ACROSS)
call_operation, call_all = _caller(OPERATION), _caller(ALL)


@intrinsic
def moved(_typing, plan, count):
    """A pointer to the place `count` further on."""

    def generate(_context, builder, _signature, args):
        return builder.gep(args[0], [args[1]])

    return plan(plan, types.intp), generate
