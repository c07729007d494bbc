"""Values of recipe fields as text: how they are read from a command, and how they are shown."""

from collections.abc import Mapping
from typing import Any


def literal(text: str) -> Any:
    """The value of a text such as `0.01`, `true`, `none`, `sgd` or `0.1307,0.3081`."""
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    if "," in text:
        return tuple(literal(part) for part in text.split(","))
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def as_words(values: Mapping[str, Any]) -> str:
    """The values as a text such as `batch_size=64 lr=0.00123`, floats with four digits."""
    return " ".join(f"{name}={_short(value)}" for name, value in sorted(values.items()))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return ",".join(map(_short, value)) if isinstance(value, tuple) else str(value).lower()
