"""The published source of a recipe, with the results that it prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from suite.recipe.checks import Check, count, number, optional, text, wrong


@dataclass(frozen=True, kw_only=True)
class Source:
    """The publication of a recipe and its printed results. It is not part of the recipe's identity.

    `history` maps an epoch, counted from 0, to (train loss, train accuracy, validation loss, validation accuracy).
    `confused` is the most confused pair: two class names and the number of images.
    `parameters` is the number that the network must have; a network with another number is refused.
    `seconds` is the published training time on `machine`. `accuracy` is a share (0 to 1).
    """

    title: str
    parameters: int
    accuracy: float | None = None
    accuracy_words: str = ""
    history: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)
    confused: tuple[str, str, int] | None = None
    seconds: float | None = None
    machine: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        for name, check in _SOURCE_CHECKS.items():
            object.__setattr__(self, name, check(f"source.{name}", getattr(self, name)))

    def facts(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "history": {str(epoch): list(row) for epoch, row in self.history.items()}}


def _history(name: str, value: Any) -> Mapping[int, tuple[float, ...]]:
    if not isinstance(value, Mapping):
        raise wrong(name, value, "must map epochs to four figures", "See experiments/lenet.py")
    for epoch, row in value.items():
        whole = isinstance(epoch, int) and not isinstance(epoch, bool) and epoch >= 0
        if not whole or not isinstance(row, tuple | list) or len(row) != 4:
            raise wrong(name, {epoch: row}, "must map epochs to four figures", "See experiments/lenet.py")
        for figure in row:
            _FIGURE(name, figure)
    return MappingProxyType(dict(value))


def _confused(name: str, value: Any) -> Any:
    if not isinstance(value, tuple) or [type(part) for part in value] != [str, str, int]:
        raise wrong(name, value, "must be two class names and a count", "See experiments/lenet.py")
    return value


_FIGURE = number("at least 0", lambda number: number >= 0, "0.5")
_SOURCE_CHECKS: Mapping[str, Check] = {
    "title": text,
    "parameters": count(10**9),
    "accuracy": optional(number("a share of 1", lambda number: 0 <= number <= 1, "0.88")),
    "accuracy_words": text,
    "history": _history,
    "confused": optional(_confused),
    "seconds": optional(number("above 0", lambda seconds: seconds > 0, "298")),
    "machine": text,
    "remark": text,
}
