"""How a batch lies in memory: blocks of 16 images side by side, and 8 in a last block that has no more.

So [block][channel][row][column][lane]. Lanes without an image get the last image once more, and no
gradient: an image of zeros could make a NaN, 0 times an infinite weight, where no real one does.
"""

from suite.kernels.kinds import f32, jit
from suite.kernels.vectors import load, splat, store


@jit
def lanes_of(block, n):
    """The lanes of a block of n images."""
    return 8 if n - block * 16 <= 8 else 16


@jit
def clear(a, first, count):
    """Zeros to so many places, a multiple of 8."""
    for k in range(first, first + count, 8):
        store(a, k, splat(f32(0.0), 8))


@jit
def copy(a, source, target, count):
    """So many numbers, a multiple of 8, from one place to another."""
    for k in range(0, count, 8):
        store(a, target + k, load(a, source + k, 8))
