"""Pictures that forked commands draw: matplotlib writes one of each kind in a session, and the others get its bytes.

Every figure is made all the same, once for equal numbers, so our own code meets all numbers. To write it is the work of
matplotlib, which took two thirds of a command's time. Who looks at the pictures sets `ALL`; tests/pictures/ and
`-m promise` write every picture.
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

ALL = {"PYTEST_PICTURES": "all"}  # the environment of a command that writes each picture itself


class Later:
    """The figure `draw(*numbers)`, which is made when a file of it is asked for that nobody has made yet."""

    def __init__(self, draw: Callable[..., Any], numbers: tuple[Any, ...]) -> None:
        self._draw, self._numbers = draw, numbers
        self._figure: Any = None
        kind, alone = (draw.__module__, draw.__name__), ALL.items() <= os.environ.items()
        self._made = sha256(pickle.dumps((*kind, _timeless(numbers), alone))).hexdigest()
        self._written = self._made if alone else ".".join(kind)

    def image(self, kind: str, folder: Path, usual: Callable[[Any, str], bytes]) -> bytes:
        """The bytes of a file. The first decides the layout of the next, so each depends on those before it."""
        self._made, self._written = f"{self._made}-{kind}", f"{self._written}-{kind}"
        made, written = folder / self._made, folder / self._written
        if not made.exists():
            self._figure = self._figure or self._draw(*self._numbers)
            if not written.exists():
                _write(written, usual(self._figure, kind))
            made.touch()
        return written.read_bytes()


def _write(place: Path, contents: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
        file.write(contents)
    os.replace(file.name, place)


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
