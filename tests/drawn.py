"""Pictures that forked commands draw, each drawn once in a session: drawing took them a quarter of their time.

Equal numbers give equal bytes: tests/pictures/ shows it, and `-m promise` draws every picture again.
"""

import functools
import os
import pickle
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from suite.pictures import canvas, comparisons, runs


class Later:
    """The figure `draw(*numbers)`, which is made when a file of it is asked for that nobody has drawn yet."""

    def __init__(self, draw: Callable[..., Any], numbers: tuple[Any, ...]) -> None:
        self._draw, self._numbers = draw, numbers
        self._figure: Any = None
        self._key = sha256(pickle.dumps((draw.__module__, draw.__name__, _timeless(numbers)))).hexdigest()

    def image(self, kind: str, folder: Path, usual: Callable[[Any, str], bytes]) -> bytes:
        """The bytes of a file. The first decides the layout of the next, so each depends on those before it."""
        self._key += f"-{kind}"
        place = folder / self._key
        if place.exists():
            return place.read_bytes()
        self._figure = self._figure or self._draw(*self._numbers)
        drawn = usual(self._figure, kind)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(drawn)
        os.replace(file.name, place)
        return drawn


def keep_in(folder: Path) -> None:
    """From now on, let this process and its children look for their pictures in this folder, and put new ones there."""
    usual = canvas.image
    canvas.image = lambda figure, kind: (
        figure.image(kind, folder, usual) if isinstance(figure, Later) else usual(figure, kind)
    )
    for module in (runs, comparisons):
        for name, draw in [*vars(module).items()]:
            if getattr(draw, "__annotations__", {}).get("return") == "Figure" and not name.startswith("_"):
                setattr(module, name, _later(draw))


def _later(draw: Callable[..., Any]) -> Callable[..., Later]:
    @functools.wraps(draw)
    def later(*numbers: Any) -> Later:
        return Later(draw, numbers)

    return later


def _timeless(value: Any) -> Any:
    """Without the times of a history, which no picture shows."""
    match value:
        case dict():
            return {key: _timeless(one) for key, one in value.items() if key != "clock"}
        case list() | tuple():
            return [_timeless(one) for one in value]
    return value
