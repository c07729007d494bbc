"""Small functions that format texts for the user."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST = 30  # names in one sentence


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: `; did you mean lenet?`, or a full stop if none is similar."""
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else "."


def plural(count: int, noun: str) -> str:
    """The count with its noun: `1 run`, `2 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def some(words: Sequence[str], joint: str = "; ") -> str:
    """The words with a joint between them; of many only the first ones, and the number of the others."""
    if len(words) <= MOST:
        return joint.join(words)
    return f"{joint.join(words[:MOST])}{joint}and {len(words) - MOST:,} more"


def duration(seconds: float) -> str:
    """An estimated time: `12 s`, `3.4 minutes`, `2.1 hours`."""
    if seconds < 60:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.1f} hours"


def listed_seeds(seeds: Iterable[int]) -> str:
    """The seeds as ranges: `0-2, 4` for 0, 1, 2 and 4."""
    runs: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def shown(value: Any, most: int = 80) -> str:
    """The value as text: whole, as a digest is, or its beginning with `...` if it has more letters than that."""
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}..."


def printable(text: str) -> str:
    """The text without control characters, which could change the user's terminal; line ends stay."""
    if text.isprintable():  # almost every text is: looking at each letter was a fifth of a report over 1,000 runs
        return text
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def clean(value: Any) -> Any:
    """The JSON value with `printable` applied to all its texts."""
    return with_texts(value, printable)


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The JSON value with `change` applied to all its texts, the names of fields included."""
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return [with_texts(item, change) for item in value]
        case dict():
            return {with_texts(key, change): with_texts(item, change) for key, item in value.items()}
    return value
