"""The search space of a study: recipe fields and their possible values, as written in a recipe or a command.

`1e-4..1e-1` is a range, log-uniform for the fields in `LOG`. `32,64,128` and `none|0.1307,0.3081` are choices.
A range of batch sizes means its powers of two: `32..256` means four values. A range of a hyper-parameter that is a
whole number holds whole numbers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from suite.errors import SuiteError
from suite.recipe.checks import wrong
from suite.recipe.values import literal

LOG = ("lr", "weight_decay", "init_std")
# These decide on which data, how long, and by which images a trial is measured. Trials must agree in them.
FIXED = ("data", "epochs", "holdout", "keep", "probe_every", "probe_images", "test_images")
DEFAULT = {"lr": "1e-4..1e-1", "batch_size": "32,64,128,256"}


@dataclass(frozen=True)
class Dimension:
    """One field of a search space: a range from `low` to `high`, or `choices`. `words` is its original text.

    A `whole` range holds whole numbers alone.
    """

    field: str
    words: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()
    whole: bool = False

    @property
    def log(self) -> bool:
        """Whether the range is searched on a logarithmic scale."""
        return not self.choices and self.field in LOG and self.low > 0

    @property
    def exponents(self) -> range | None:
        """The exponents of the choices if these are successive powers of two in ascending order, else None."""
        found = [value.bit_length() - 1 for value in self.choices if type(value) is int and value > 0]
        whole = bool(found) and self.choices == tuple(2**exponent for exponent in range(found[0], found[-1] + 1))
        return range(found[0], found[-1] + 1) if whole else None

    @property
    def extremes(self) -> tuple[Any, ...]:
        """The values that are checked with the recipe: all choices, or both ends of the range."""
        return self.choices or (self._number(self.low), self._number(self.high))

    def holds(self, value: Any) -> bool:
        """Whether the value lies in the dimension."""
        if self.choices:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high

    def _number(self, value: float) -> float:
        return round(value) if self.whole else value

    def grid(self) -> tuple[Any, ...]:
        """The values of a grid search: all choices, or the ends of the range and the values between them.

        Between the ends are the half decades of a logarithmic range, or tenths of a linear one.
        """
        if self.choices:
            return self.choices
        if self.whole:
            tenths = (self.low + (self.high - self.low) * n / 10 for n in range(11))
            return tuple(dict.fromkeys(map(self._number, tenths)))
        if not self.log:
            return (*(self.low + (self.high - self.low) * n / 10 for n in range(10)), self.high)
        points = [10 ** (n / 2) for n in range(-40, 41)]
        inside = [point for point in points if self.low * 1.001 < point < self.high / 1.001]
        return (self.low, *inside, self.high)


Space = dict[str, Dimension]


def read_space(words: Mapping[str, str], whole: Collection[str] = ()) -> Space:
    """The search space that these texts describe, by field; raises `SuiteError` (2) that names a wrong field.

    The fields in `whole` hold whole numbers.
    """
    return {field: _dimension(field, text, whole=field in whole) for field, text in sorted(words.items())}


def _dimension(field: str, text: Any, *, whole: bool) -> Dimension:
    name = f"space {field}"
    if field in FIXED:
        raise SuiteError(
            f"space: {field} cannot be searched: it decides how the trials are measured.",
            f"Give it with --set, or search other fields than {', '.join(FIXED)}.",
        )
    if not isinstance(text, str) or not text.strip():
        raise wrong(name, text, "must be a range or choices", "Give for example 1e-4..1e-1 or 32,64,128")
    if ".." in text:
        return _range(field, text, name, whole=whole)
    choices = tuple(literal(part) for part in _parts(text.split("|" if "|" in text else ",")))
    if len(set(choices)) < max(2, len(choices)):
        raise wrong(name, text, "needs at least two different choices, each once", "Give for example 32,64,128")
    numbers = all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices)
    return Dimension(field, text, choices=tuple(sorted(choices)) if numbers else choices)


def _parts(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts]


def _range(field: str, text: str, name: str, *, whole: bool) -> Dimension:
    low, high = (literal(part) for part in _parts(text.split("..", 1)))
    ends = [end for end in (low, high) if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(ends) < 2:
        raise wrong(name, text, "must be LOW..HIGH", "Give two numbers such as 1e-4..1e-1")
    if not -1e300 < low < high < 1e300:
        raise wrong(name, text, "must go from a lower to a higher number", "Give for example 1e-4..1e-1")
    if whole and not all(isinstance(end, int) for end in ends):
        raise wrong(name, text, "must go from one whole number to another", "Give for example 8..64")
    if field != "batch_size" and whole:
        return Dimension(field, text, low=low, high=high, whole=True)
    if field != "batch_size":
        return Dimension(field, text, low=float(low), high=float(high))
    powers = tuple(2**exponent for exponent in range(17) if low <= 2**exponent <= high)
    if len(powers) < 2:
        raise wrong(name, text, "holds fewer than two powers of two", "Give for example 32..256")
    return Dimension(field, text, choices=powers)
