"""The walk over a plan, forwards and backwards.

Operations that can take one block after the other do so in a row, so that a block's numbers stay in the second cache.
Some need all blocks at once: linear layers, so that weights are read once, and batch normalisation, for its means.
"""

from numba import types

from suite.kernels.fields import BACKWARD, BEGIN, COUNT, END, FORWARD, WHOLE
from suite.kernels.kinds import jit
from suite.kernels.products import MEMORY, PLAN, call_all, call_operation, moved
from suite.kernels.products import WHOLE as NUMBER

WALK = types.void(MEMORY, PLAN, NUMBER, NUMBER)


@jit
def _together(plan, first, last, step):
    """The end of a row of operations, from `first` on, that take one block after the other."""
    end = first
    while end != last and plan[end * COUNT + WHOLE] == 0:
        end += step
    return end


@jit
def _row(plan, k, memory, column, first, last, n):
    if plan[k * COUNT + column] != 0:
        call_operation(plan[k * COUNT + column], (memory, moved(plan, k * COUNT), first, last, n))


def make_forward():
    """The forward pass of `rows` operations, for n images."""

    def walk_forward(memory, plan, rows, n):
        blocks = (n + 15) // 16
        for k in range(rows):
            if plan[k * COUNT + BEGIN] != 0:
                call_all(plan[k * COUNT + BEGIN], (memory, moved(plan, k * COUNT)))
        k = 0
        while k < rows:
            end = _together(plan, k, rows, 1)
            if end == k:
                _row(plan, k, memory, FORWARD, 0, blocks, n)
                end = k + 1
            else:
                for block in range(blocks):
                    for j in range(k, end):
                        _row(plan, j, memory, FORWARD, block, block + 1, n)
            k = end

    return WALK, walk_forward


def make_backward():
    """The backward pass."""

    def walk_backward(memory, plan, rows, n):
        blocks = (n + 15) // 16
        k = rows - 1
        while k >= 0:
            end = _together(plan, k, -1, -1)
            if end == k:
                _row(plan, k, memory, BACKWARD, 0, blocks, n)
                end = k - 1
            else:
                for block in range(blocks):
                    for j in range(k, end, -1):
                        _row(plan, j, memory, BACKWARD, block, block + 1, n)
            k = end
        for j in range(rows):
            if plan[j * COUNT + END] != 0:
                call_all(plan[j * COUNT + END], (memory, moved(plan, j * COUNT)))

    return WALK, walk_backward
