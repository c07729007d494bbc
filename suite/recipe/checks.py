"""Checks of a field's value: each takes the field's name and the value, and returns the value or refuses it."""

import math
from collections.abc import Callable
from typing import Any

from suite.errors import SuiteError

Check = Callable[[str, Any], Any]


def wrong(name: str, value: object, rule: str, remedy: str) -> SuiteError:
    """The one line for a field's wrong value."""
    return SuiteError(f"{name} {rule}, got {value!r:.80}.", f"{remedy}.")


def choice(*allowed: str) -> Check:
    """One of some words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise wrong(name, value, f"must be one of {', '.join(allowed)}", "Choose one of them")
        return value

    return check


def number(rule: str, accepts: Callable[[float], bool], example: str) -> Check:
    """A finite number, given as int or float, that `accepts` takes; always a float afterwards."""

    def check(name: str, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise wrong(name, value, "must be a finite number", f"Give a number such as {example}")
        if not accepts(number):
            raise wrong(name, value, f"must be {rule}", f"Give a number such as {example}")
        return number + 0.0  # 1 and 1.0 are one recipe, and so are 0.0 and -0.0

    return check


def count(most: int) -> Check:
    """A whole number from 1."""

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise wrong(name, value, f"must be a whole number from 1 to {most:,}", "Give one in that range")
        return value

    return check


def flag(name: str, value: Any) -> bool:
    """True or false, and nothing that merely counts as such."""
    if not isinstance(value, bool):
        raise wrong(name, value, "must be true or false", "Choose one of them")
    return value


def text(name: str, value: Any) -> str:
    """Words, which may be none."""
    if not isinstance(value, str):
        raise wrong(name, value, "must be text", "Put it in quotes")
    return value


def optional(check: Check) -> Check:
    """None, or what `check` takes."""
    return lambda name, value: None if value is None else check(name, value)
