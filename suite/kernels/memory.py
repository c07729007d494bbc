"""The one array of float32 that holds all numbers of a network's training step: who gets which places."""

from dataclasses import dataclass, field

GAP = 16  # numbers between two parts of the memory, so that each begins a cache line


@dataclass
class Memory:
    """One array for everything, whose parts are given out one after the other."""

    size: int = 0
    values: dict[int, float] = field(default_factory=dict)  # what a place holds at the start, if not zero

    def take(self, count: int, *values: float) -> int:
        """The first of so many places."""
        first = self.size
        self.values.update({first + k: value for k, value in enumerate(values)})
        self.size = -(-(first + count + GAP) // GAP) * GAP
        return first
