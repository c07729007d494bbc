"""How many sums are computed side by side: as many as the processor has registers for, and few left over."""

from suite.kernels.compiled import address, wide


def tile(channels: int) -> int:
    """How many channels are computed side by side."""
    return _quickest((8, 10, 6, 5, 4) if wide() else (6, 5, 4), channels)


def tile_across(features: int) -> int:
    """The same for a linear layer's gradient of weights, where a vector has outputs."""
    return _quickest((16, 14, 12, 10, 8, 6, 5, 4) if wide() else (6, 5, 4), features)


def _quickest(sizes: tuple[int, ...], channels: int) -> int:
    """The size with which all channels take least time; of equal ones, that which leaves fewest over."""
    least = 8 if wide() else 4  # fewer sums take as long: each waits for its last term

    def time(size: int) -> tuple[int, int]:
        tiles, rest = divmod(channels, size)
        return tiles * max(size, least) + (max(rest, least) if rest else 0), rest

    return min((size for size in sizes if size <= channels), key=time, default=channels)


def smallest_group(groups: list[int], channels: int) -> int:
    """The group that adds the fewest channels; of equal ones, the largest."""
    return min(groups, key=lambda group: -(-channels // group) * group)


def rows_of(channels: int, tile_: int, kw: int) -> list[int]:
    """The addresses for a convolution's rows, kernels of `kw` columns: whole tiles of 16 and 8 lanes, then the rest."""
    size = kw if kw <= 7 else 0
    counts = tile_, channels % tile_ or tile_  # the same again, where no channel is left over
    return [address("products", "make_row", count, lanes, size) for count in counts for lanes in (16, 8)]


def dots_of(features: int, tile_: int) -> list[int]:
    """The same for the sums of a linear layer."""
    counts = tile_, features % tile_ or tile_
    return [address("products", "make_dot", count, lanes) for count in counts for lanes in (16, 8)]
