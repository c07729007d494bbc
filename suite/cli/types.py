"""The values of options, read from their texts. A wrong one raises `ArgumentTypeError`, which argparse shows."""

import argparse
import re
from datetime import UTC, datetime, timedelta

from suite.analysis.intervals import FEWEST

_DAY = timedelta(days=1)


def whole(text: str) -> int:
    """A whole number from 1 to 65,535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 65,535, got {text!r:.80}")
    return int(text)


def index(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r:.80}")
    return int(text)


def enough(text: str) -> int:
    """A number of seeds that is enough for an interval."""
    if whole(text) < FEWEST:
        raise argparse.ArgumentTypeError(f"expected {FEWEST} or more, for an interval, got {text!r:.80}")
    return int(text)


def share(text: str) -> float:
    """A share between 0 and 1."""
    if not re.fullmatch(r"0?\.\d{1,6}", text) or not float(text):
        raise argparse.ArgumentTypeError(f"expected a share between 0 and 1 such as 0.01, got {text!r:.80}")
    return float(text)


def points(text: str) -> float:
    """A difference in accuracy, as a share: from points such as 0.5pt, or from a share such as 0.005."""
    if not (found := re.fullmatch(r"(\d{1,2}(?:\.\d{1,4})?|\.\d{1,4})pt", text)):
        return share(text)
    if not 0 < float(found[1]) < 100:
        raise argparse.ArgumentTypeError(f"expected points of accuracy such as 0.5pt, got {text!r:.80}")
    return float(found[1]) / 100


def percent(text: str) -> float:
    """A percentage such as 3%, as a share."""
    found = re.fullmatch(r"(\d{1,2}(?:\.\d{1,4})?)%", text)
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"expected a percentage such as 3%, got {text!r:.80}")
    return float(found[1]) / 100


def factor(text: str) -> float:
    """A factor of 1 or more."""
    if not re.fullmatch(r"\d{1,2}(\.\d{1,4})?", text) or not float(text) >= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 such as 1.05, got {text!r:.80}")
    return float(text)


def positive(text: str) -> float:
    """A number above 0."""
    if not re.fullmatch(r"\d{0,4}(\.\d{1,6})?", text) or not float(text or 0):
        raise argparse.ArgumentTypeError(f"expected a number above 0 such as 0.25, got {text!r:.80}")
    return float(text)


def seconds(text: str) -> float:
    """A time in seconds, from a text such as 90s, 10m or 2h."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"expected a time such as 90s, 10m or 2h, got {text!r:.80}")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def since(text: str) -> datetime:
    """The moment that a date, or a text such as 7d, names; in UTC."""
    if ago := re.fullmatch(r"(\d{1,4})([hdw])", text):
        return datetime.now(UTC) - int(ago[1]) * {"h": timedelta(hours=1), "d": _DAY, "w": 7 * _DAY}[ago[2]]
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        words = f"expected a date such as 2026-11-01, or 12h, 7d or 2w, got {text!r:.80}"
        raise argparse.ArgumentTypeError(words) from None
