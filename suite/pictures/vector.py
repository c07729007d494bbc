"""The parts of our own SVG drawings, as text. Every word of a record is escaped here.

A drawing is a part of the page: its letters are the page's, so every language can be read, and the page's style gives
the colours. `key` is the number of an experiment in the report; its colour is the same in all drawings and tables.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

from suite.text import printable

Point = tuple[float, float]
LONGEST = 44  # letters of a name in a drawing; its tooltip has all


def words(text: object) -> str:
    """The text as it may stand in the page: without control characters, and with what HTML would read written out."""
    return escape(printable(str(text)))


def words_of_many(text: str) -> str:
    """Lines of text as the value of an attribute, in which each stays a line."""
    return "&#10;".join(words(line) for line in text.split("\n"))


def short(text: str, longest: int = LONGEST) -> str:
    """The text, cut to fit into a drawing."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, said: str, *, kind: str = "", anchor: str = "", turn: float = 0) -> str:
    """Words at a place, turned by so many degrees. `anchor` is where it lies in them: start, middle or end."""
    if not said:
        return ""
    shape = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    shape += f' transform="rotate({number(turn)} {number(x)} {number(y)})"' if turn else ""
    return f'<text x="{number(x)}" y="{number(y)}"{shape}>{words(said)}</text>'


def line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    """A straight line; none between places that are no numbers."""
    if not all(map(math.isfinite, (x, y, to_x, to_y))):
        return ""
    ends = f'x1="{number(x)}" y1="{number(y)}" x2="{number(to_x)}" y2="{number(to_y)}"'
    return f'<line class="{kind}" {ends}/>'


def path(points: Iterable[Point], kind: str, *, closed: bool = False) -> str:
    """A line through points, or the area within them."""
    known = [one for one in points if all(map(math.isfinite, one))]
    if not known:
        return ""
    steps = "L".join(f"{number(x)} {number(y)}" for x, y in known)
    return f'<path class="{kind}" d="M{steps}{"Z" if closed else ""}"/>'


def mark(x: float, y: float, said: str, *, radius: float = 2.5, kind: str = "") -> str:
    """A dot with the words that are shown where the mouse or the keyboard is on it."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return ""
    shape = f' class="{kind}"' if kind else ""
    return (
        f'<circle{shape} cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"><title>{words(said)}</title></circle>'
    )


def spot(x: float, y: float, *, kind: str) -> str:
    """A dot without words of its own: those of its group's mark are shown at it."""
    return f'<circle class="{kind}" cx="{number(x)}" cy="{number(y)}" r="2.5"/>'


def area(rings: Iterable[Iterable[Point]], opacity: float) -> str:
    """A shade within rings; a ring inside another one is a hole."""
    steps = "".join(f"M{'L'.join(f'{number(x)} {number(y)}' for x, y in ring)}Z" for ring in rings)
    return f'<path class="f" fill-opacity="{opacity:.2f}" d="{steps}"/>'


def cross(x: float, y: float, said: str) -> str:
    """The mark of a published value."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return ""
    arms = f"M{number(x - 3.5)} {number(y - 3.5)}l7 7m0 -7l-7 7"
    return f'<path class="x" d="{arms}"/>{mark(x, y, said, radius=5, kind="h")}'


def group(
    parts: Iterable[str],
    *,
    key: int | None = None,
    about: Iterable[int] = (),
    kind: str = "",
    says: str = "",
    move: float = 0,
    opacity: float = 1,
) -> str:
    """Parts that belong together, `move` units below. `says` stands before the words of each mark in them.

    They are about one experiment, in whose colour they are drawn, or `about` several.
    """
    of = " ".join(map(str, about)) if key is None else str(key)
    named = " ".join(filter(None, (kind, f"k{key}" if key is not None else "")))
    shape = (
        (f' class="{named}"' if named else "")
        + (f' data-of="{of}"' if of else "")
        + (f' data-says="{words(says)}"' if says else "")
        + (f' transform="translate(0 {number(move)})"' if move else "")
        + (f' opacity="{opacity:.2f}"' if opacity < 1 else "")
    )
    return f"<g{shape}>{''.join(parts)}</g>"


def drawing(width: float, height: float, says: str, parts: Sequence[str], *, kind: str = "") -> str:
    """A whole SVG as a part of the page, as wide as its place allows. `says` is its name for a screen reader."""
    shape = f"chart {kind}".strip()
    size = f'viewBox="0 0 {number(width)} {number(height)}"'
    return f'<svg class="{shape}" {size} role="img" aria-label="{words(says)}">{"".join(parts)}</svg>'
