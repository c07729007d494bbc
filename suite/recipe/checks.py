"""Checks of field values. Each takes a field's name and value, and returns the value or raises `SuiteError` (2)."""

import math
from collections.abc import Callable
from typing import Any

from suite.errors import SuiteError

Check = Callable[[str, Any], Any]


def wrong(name: str, value: object, rule: str, remedy: str) -> SuiteError:
    """The `SuiteError` (2) for a wrong value of a field."""
    return SuiteError(f"{name} {rule}, got {value!r:.80}.", f"{remedy}.")


def choice(*allowed: str) -> Check:
    """A check that the value is one of the `allowed` words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise wrong(name, value, f"must be one of {', '.join(allowed)}", "Choose one of them")
        return value

    return check


def number(rule: str, accepts: Callable[[float], bool], example: str) -> Check:
    """A check for a finite int or float that `accepts` allows; it returns a float."""

    def check(name: str, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise wrong(name, value, "must be a finite number", f"Give a number such as {example}")
        if not accepts(number):
            raise wrong(name, value, f"must be {rule}", f"Give a number such as {example}")
        return number + 0.0  # so 1 and 1.0 give the same identity, and also 0.0 and -0.0

    return check


def count(most: int) -> Check:
    """A check for a whole number from 1 to `most`."""

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise wrong(name, value, f"must be a whole number from 1 to {most:,}", "Give one in that range")
        return value

    return check


def flag(name: str, value: Any) -> bool:
    """The value if it is True or False; other values that count as true or false are refused."""
    if not isinstance(value, bool):
        raise wrong(name, value, "must be true or false", "Choose one of them")
    return value


def text(name: str, value: Any) -> str:
    """The value if it is a text, which may be empty."""
    if not isinstance(value, str):
        raise wrong(name, value, "must be text", "Put it in quotes")
    return value


def optional(check: Check) -> Check:
    """A check that accepts None, and every value that `check` accepts."""
    return lambda name, value: None if value is None else check(name, value)
