"""The words of the field `augment`, such as `crop4,flip,rotate15,erase8`."""

import re
from typing import Any, NamedTuple

from suite.recipe.checks import wrong

# Each word with its largest figure: pixels of crop, degrees of rotate, pixels of erase. `flip` and `own` have none.
KINDS = {"crop": 64, "flip": 0, "own": 0, "rotate": 180, "erase": 1024}


class Change(NamedTuple):
    """One change of a batch: its kind, and its figure (0 where it has none)."""

    kind: str
    amount: int


def augment_words(name: str, value: Any) -> str:
    """The value if all its words are known; a pair of words from a command is read as one text."""
    words = ",".join(value) if isinstance(value, tuple) and all(isinstance(word, str) for word in value) else value
    if not isinstance(words, str):
        raise wrong(name, value, "must be text", "Give words such as crop4,flip")
    for word in filter(None, words.split(",")):
        kind, amount = _parts(word)
        if kind not in KINDS or not min(1, KINDS[kind]) <= amount <= KINDS[kind]:
            raise wrong(name, word, "knows crop4, flip, rotate15, erase8 and own", "Give words such as crop4,flip")
    return ",".join(filter(None, words.split(",")))


def changes(words: str) -> list[Change]:
    """The changes that checked words describe, in their order."""
    return [_parts(word) for word in filter(None, words.split(","))]


def _parts(word: str) -> Change:
    found = re.fullmatch(r"([a-z]+)([0-9]{0,4})", word)
    return Change(found[1], int(found[2] or 0)) if found else Change("", 0)
