"""Our own charts: rows of values with their intervals, and lines with bands. Numbers in, SVG as text out.

They are narrow, so that their letters are readable on a phone, and charts that belong together stand side by side where
there is room. Every mark has its words: the value, its interval, n and the seeds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from suite.pictures import vector
from suite.pictures.scales import Scale, around
from suite.pictures.vector import Point

WIDTH = 440
ROW, TOP = 34, 50  # the height of a row, and the place of the first one
PLOT_TOP, PLOT, LEFT, RIGHT = 28, 210, 48, 12  # of a chart of lines: where it begins, its height, its margins
ENTRY = 17  # the height of a row of the legend


@dataclass(frozen=True)
class Value:
    """One value of a row. `said` is all that is known of it; `kind` is its look: filled, `o` for hollow, `x` for a
    cross."""

    at: float
    said: str
    kind: str = ""


@dataclass(frozen=True)
class Line:
    """One row of `rows`: values beside a name, with an inner and an outer interval where they are known."""

    title: str
    key: int | None
    values: Sequence[Value]
    inner: tuple[float, float] | None = None
    outer: tuple[float, float] | None = None
    about: Sequence[int] = ()
    """The numbers of the experiments, where the row is about several."""


def rows(title: str, found: Sequence[Line], *, axis: str = "", log: bool = False, zero: bool = False) -> str:
    """Each row's values with their intervals, on one axis above them. With `zero` a line marks no difference."""
    ends = [end for one in found for pair in (one.inner, one.outer) if pair for end in pair]
    scale = around([*ends, *(value.at for one in found for value in one.values)], 10, WIDTH - 14, log=log)
    height = TOP + ROW * len(found)
    parts = [vector.text(10, 14, title, kind="t"), vector.text(WIDTH - 14, 14, axis, kind="u", anchor="end")]
    parts += [_upright(scale, value, words, TOP - 14, TOP - 6, height) for value, words in scale.ticks()]
    if zero and scale.low < 0 < scale.high:
        parts.append(vector.line(scale.at(0), TOP - 8, scale.at(0), height, "z"))
    parts += [_row(one, scale, TOP + ROW * place) for place, one in enumerate(found)]
    return vector.drawing(WIDTH, height, title, parts, kind="rows")


def _upright(scale: Scale, value: float, words: str, at: float, top: float, low: float) -> str:
    place = scale.at(value)
    near_end = place > scale.end - 16
    label = vector.text(place, at, words, kind="u", anchor="end" if near_end else "middle")
    return label + vector.line(place, top, place, low, "g")


def _row(one: Line, scale: Scale, top: float) -> str:
    parts = [f"<title>{vector.words(one.title)}</title>", vector.text(10, 11, vector.short(one.title, 64))]
    for kind, ends in (("w", one.outer), ("i", one.inner)):
        if ends:
            parts.append(vector.line(scale.at(ends[0]), 22, scale.at(ends[1]), 22, kind))
    for value in one.values:
        x = scale.at(value.at)
        parts.append(
            vector.cross(x, 22, value.said)
            if value.kind == "x"
            else vector.mark(x, 22, value.said, radius=4, kind=value.kind)
        )
    return vector.group(parts, key=one.key, about=one.about, kind="row", says=one.title, move=top)


@dataclass(frozen=True)
class Series:
    """A line of `lines`: its points with the words of each, thin lines of single seeds, a band, and crosses.

    `band` has (x, low, high). Marks without words are not drawn. `kind` is its look beside the colour of `key`.
    """

    title: str
    key: int | None
    points: Sequence[tuple[float, float, str]]
    seeds: Sequence[Sequence[Point]] = ()
    band: Sequence[tuple[float, float, float]] = ()
    crosses: Sequence[tuple[float, float, str]] = ()
    kind: str = ""
    joined: bool = True


@dataclass(frozen=True)
class Axes:
    """What the two axes of `lines` show. `ends` are values that the axes must have; `target` is a level line."""

    x: str
    y: str
    log: bool = False
    whole: bool = False
    target: float | None = None
    diagonal: bool = False
    places: Sequence[Point] = field(default_factory=tuple)
    """Points that must be within the axes."""


def lines(title: str, found: Sequence[Series], axes: Axes) -> str:
    """Lines through points over two axes, with their legend below."""
    spots = [*axes.places, *(spot for one in found for spot in _spots(one))]
    level = [axes.target] if axes.target is not None else []
    across = around((x for x, _ in spots), LEFT, WIDTH - RIGHT, log=axes.log, whole=axes.whole)
    up = around([*(y for _, y in spots), *level], PLOT_TOP + PLOT, PLOT_TOP)
    parts = [vector.text(LEFT, 14, title, kind="t"), _frame(across, up, axes)]
    if axes.diagonal:
        ends = max(across.low, up.low), min(across.high, up.high)
        parts.append(vector.path(((across.at(end), up.at(end)) for end in ends), "z"))
    for value in level:
        parts.append(vector.line(LEFT, up.at(value), WIDTH - RIGHT, up.at(value), "z"))
    parts += [_series(one, across, up) for one in found]
    legend, height = _legend([one for one in found if one.points or one.crosses], PLOT_TOP + PLOT + 46)
    return vector.drawing(WIDTH, height, title, [*parts, legend], kind="lines")


def _spots(one: Series) -> Iterable[Point]:
    yield from ((x, y) for x, y, _ in [*one.points, *one.crosses])
    yield from (spot for seed in one.seeds for spot in seed)
    yield from (spot for x, low, high in one.band for spot in ((x, low), (x, high)))


def _frame(across: Scale, up: Scale, axes: Axes) -> str:
    low = PLOT_TOP + PLOT
    parts = []
    for value, words in up.ticks():
        parts.append(vector.line(LEFT, up.at(value), WIDTH - RIGHT, up.at(value), "g"))
        parts.append(vector.text(LEFT - 6, up.at(value) + 4, words, kind="u", anchor="end"))
    for value, words in across.ticks(6):
        parts.append(vector.line(across.at(value), low, across.at(value), low + 4, "g"))
        parts.append(vector.text(across.at(value), low + 16, words, kind="u", anchor="middle"))
    parts.append(vector.text((LEFT + WIDTH - RIGHT) / 2, low + 31, axes.x, kind="u", anchor="middle"))
    parts.append(vector.text(WIDTH - RIGHT, 14, axes.y, kind="u", anchor="end"))
    return "".join(parts)


def _series(one: Series, across: Scale, up: Scale) -> str:
    def place(points: Iterable[Point]) -> list[Point]:
        return [(across.at(x), up.at(y)) for x, y in points]

    around_it = [*((x, low) for x, low, _ in one.band), *((x, high) for x, _, high in reversed(one.band))]
    parts = [vector.path(place(around_it), "b", closed=True)] if len(one.band) > 1 else []
    parts += [vector.path(place(seed), "s") for seed in one.seeds if len(seed) > 1]
    middle = place((x, y) for x, y, _ in one.points)
    if one.joined and len(middle) > 1:
        parts.append(vector.path(middle, "l"))
    for draw, points in ((vector.mark, one.points), (vector.cross, one.crosses)):
        for (x, y), (*_, said) in zip(place((x, y) for x, y, _ in points), points, strict=True):
            if said:
                parts.append(draw(x, y, said))
    return vector.group(parts, key=one.key, kind=one.kind, says=one.title)


def _legend(found: Sequence[Series], top: float) -> tuple[str, float]:
    """The names of the series with their looks, in two columns where they are short; and where they end."""
    columns = 2 if all(len(one.title) <= 30 for one in found) else 1
    parts = []
    for place, one in enumerate(found):
        x, y = 10 + place % columns * (WIDTH / 2), top + place // columns * ENTRY
        look = vector.line(x, y - 4, x + 22, y - 4, "l") if one.joined else vector.mark(x + 11, y - 4, "")
        name = vector.text(x + 28, y, vector.short(one.title, 30 if columns == 2 else 62))
        parts.append(vector.group([look, name], key=one.key, kind=one.kind))
    return "".join(parts), top + (-(-len(found) // columns) - 1) * ENTRY + 10
