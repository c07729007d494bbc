"""Values that a caller gives, checked as the command line checks its options."""

from typing import Any

from suite.errors import SuiteError


def share(name: str, value: Any) -> None:
    """Raise `SuiteError` (2) unless the value is None or a share between 0 and 1."""
    if value is not None and not (isinstance(value, int | float) and 0 < value < 1):
        raise SuiteError(f"{name} must be a share between 0 and 1, got {value!r:.80}.", "Give one such as 0.01.")


def at_least(least: int, name: str, value: Any) -> int:
    """The whole number; raises `SuiteError` (2) for anything else, and for a smaller one."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SuiteError(f"{name} must be a whole number from {least} on, got {value!r:.80}.", f"Give {least} or more.")
    return value
