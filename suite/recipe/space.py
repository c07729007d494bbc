"""What a study searches: recipe fields and the values that each may take, in the words of a recipe or a command.

`1e-4..1e-1` is a range, log-uniform for what is a scale (`LOG`); `32,64,128` are choices, `none|0.1307,0.3081` too.
Batch sizes are powers of two: `32..256` names four of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from suite.errors import SuiteError
from suite.recipe.checks import wrong
from suite.recipe.values import literal

LOG = ("lr", "weight_decay", "init_std")
# What is trained on, how long, and what is looked at are what makes the trials of a study comparable.
FIXED = ("data", "epochs", "holdout", "keep", "probe_every", "probe_images", "test_images")
DEFAULT = {"lr": "1e-4..1e-1", "batch_size": "32,64,128,256"}


@dataclass(frozen=True)
class Dimension:
    """One field of a search: from `low` to `high`, or one of `choices`."""

    field: str
    words: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()

    @property
    def log(self) -> bool:
        """Whether equal factors are equal steps."""
        return not self.choices and self.field in LOG and self.low > 0

    @property
    def exponents(self) -> range | None:
        """Where the choices are neighbouring powers of two: their exponents, which keep the order."""
        found = [value.bit_length() - 1 for value in self.choices if type(value) is int and value > 0]
        whole = bool(found) and self.choices == tuple(2**exponent for exponent in range(found[0], found[-1] + 1))
        return range(found[0], found[-1] + 1) if whole else None

    @property
    def extremes(self) -> tuple[Any, ...]:
        """The values that a recipe must be able to take."""
        return self.choices or (self.low, self.high)

    def holds(self, value: Any) -> bool:
        """Whether the search may come to this value."""
        if self.choices:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high

    def grid(self) -> tuple[Any, ...]:
        """The values of a grid search: all choices, or a range's ends with half decades or tenths between them."""
        if self.choices:
            return self.choices
        if not self.log:
            return (*(self.low + (self.high - self.low) * n / 10 for n in range(10)), self.high)
        points = [10 ** (n / 2) for n in range(-40, 41)]
        inside = [point for point in points if self.low * 1.001 < point < self.high / 1.001]
        return (self.low, *inside, self.high)


Space = dict[str, Dimension]


def read_space(words: Mapping[str, str]) -> Space:
    """The space that these words ask for, by field; raises `SuiteError` (2) naming the field."""
    return {field: _dimension(field, text) for field, text in sorted(words.items())}


def _dimension(field: str, text: Any) -> Dimension:
    name = f"space {field}"
    if field in FIXED:
        raise SuiteError(
            f"space: {field} cannot be searched: it decides what the trials are measured by.",
            f"Give it with --set, or search others than {', '.join(FIXED)}.",
        )
    if not isinstance(text, str) or not text.strip():
        raise wrong(name, text, "must be a range or choices", "Give for example 1e-4..1e-1 or 32,64,128")
    if ".." in text:
        return _range(field, text, name)
    choices = tuple(literal(part) for part in _parts(text.split("|" if "|" in text else ",")))
    if len(set(choices)) < max(2, len(choices)):
        raise wrong(name, text, "needs two different choices at least, each once", "Give for example 32,64,128")
    numbers = all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices)
    return Dimension(field, text, choices=tuple(sorted(choices)) if numbers else choices)


def _parts(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts]


def _range(field: str, text: str, name: str) -> Dimension:
    low, high = (literal(part) for part in _parts(text.split("..", 1)))
    ends = [end for end in (low, high) if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(ends) < 2:
        raise wrong(name, text, "must be LOW..HIGH", "Give two numbers such as 1e-4..1e-1")
    if not -1e300 < low < high < 1e300:
        raise wrong(name, text, "must go from a lower to a higher number", "Give for example 1e-4..1e-1")
    if field != "batch_size":
        return Dimension(field, text, low=float(low), high=float(high))
    powers = tuple(2**exponent for exponent in range(17) if low <= 2**exponent <= high)
    if len(powers) < 2:
        raise wrong(name, text, "holds fewer than two powers of two", "Give for example 32..256")
    return Dimension(field, text, choices=powers)
