"""The axes of our own charts: where a value lies, and which values are named."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 1e100  # larger values are left out: a scale with them would show nothing of the others


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` on a line from `start` to `end`, in the units of the drawing."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False
    """Whether only whole numbers have a name, as with epochs."""

    def at(self, value: float) -> float:
        """The place of a value; not a number where a logarithmic scale has none for it."""
        if self.log and value <= 0:
            return math.nan
        low, high, value = (math.log10(one) if self.log else one for one in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """At most about `most` round values within the scale, with their words."""
        if self.log and len(values := self._powers(most)) > 1:
            return [(value, f"{value:,.12g}") for value in values]
        values = self._steps(most)
        places = 0 if self.whole else max(0, -math.floor(math.log10(self._step(most)) + 1e-9))
        return [(value, f"{value:,.{places}f}".replace("-", "−")) for value in values]

    def _step(self, most: int) -> float:
        """The smallest of 1, 2 and 5 times a power of ten that gives no more than `most` steps."""
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))

    def _steps(self, most: int) -> list[float]:
        step = max(self._step(most), 1) if self.whole else self._step(most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _powers(self, most: int) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1,)):
            values = [f * 10.0**power for power in powers for f in factors if self.low <= f * 10.0**power <= self.high]
            if len(values) <= most + 2:
                break
        return values[:: max(1, -(-len(values) // (most + 2)))]


def around(values: Iterable[float], start: float, end: float, *, log: bool = False, whole: bool = False) -> Scale:
    """A scale with room for all finite values (below `MOST`) and a little more at both ends.

    With `whole` numbers, such as epochs, the ends are the values themselves. A logarithmic scale leaves out values that
    are not above 0.
    """
    found = [value for value in values if abs(value) < MOST and (value > 0 or not log)] or [1.0]
    low, high = min(found), max(found)
    if log:
        room = (high / low) ** 0.05 if high > low else 1.5
        return Scale(low / room, high * room, start, end, log=True)
    if whole:
        return Scale(low, high if high > low else low + 1, start, end, whole=True)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - room, high + room, start, end)
