"""How many sums are computed side by side: as many as the processor has registers for, and few left over."""

from suite.kernels.compiled import address, wide


def tile(channels: int) -> int:
    """How many channels are computed side by side: the number that leaves the fewest over."""
    return _leaving_fewest((8, 10, 6, 5, 4) if wide() else (6, 5, 4), channels) if channels >= 4 else 1


def tile_across(features: int) -> int:
    """The same for a linear layer's gradient of weights, where a vector has outputs."""
    return _leaving_fewest((16, 14, 12, 10, 8, 6, 5, 4) if wide() else (6, 5, 4), features) if features >= 4 else 1


def _leaving_fewest(sizes: tuple[int, ...], channels: int) -> int:
    return min((size for size in sizes if size <= channels), key=lambda size: channels % size)


def smallest_group(groups: list[int], channels: int) -> int:
    """The group that adds the fewest channels; of equal ones, the largest."""
    return min(groups, key=lambda group: -(-channels // group) * group)


def rows_of(channels: int, tile_: int, kw: int) -> list[int]:
    """The addresses for a convolution's rows, kernels of `kw` columns: whole tiles of 16 and 8 lanes, then single."""
    size = kw if kw <= 7 else 0
    ones = 1 if channels % tile_ else tile_  # the same again, where no channel is left over
    return [address("products", "make_row", count, lanes, size) for count in (tile_, ones) for lanes in (16, 8)]


def dots_of(features: int, tile_: int) -> list[int]:
    """The same for the sums of a linear layer."""
    ones = 1 if features % tile_ else tile_
    return [address("products", "make_dot", count, lanes) for count in (tile_, ones) for lanes in (16, 8)]
