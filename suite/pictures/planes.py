"""Our own charts of a study's fields: a plane of two fields with shades, and parallel coordinates. SVG as text out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from suite.pictures import vector
from suite.pictures.charts import LEFT, PLOT, PLOT_TOP, RIGHT, WIDTH
from suite.pictures.scales import Scale
from suite.pictures.vector import Point

SPREAD = 330  # the height of the parallel axes
FAINTEST, DARKEST = 0.06, 0.72  # opacity of the shades


class Tick(NamedTuple):
    """A place on an axis with its words."""

    at: float
    words: str


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, in the units of its places, which may be logarithms; `ticks` name some."""

    title: str
    low: float
    high: float
    ticks: Sequence[Tick]

    def scale(self, start: float, end: float, room: float = 0.0) -> Scale:
        """The axis between two places of a drawing, with `room` beyond both ends as a share of its length."""
        beyond = room * (self.high - self.low) or (0.0 if self.high > self.low else 0.5)
        return Scale(self.low - beyond, self.high + beyond, start, end)


@dataclass(frozen=True)
class Spot:
    """A trial on a plane; it is drawn hollow unless it is `complete`. `said` is all that is known of it."""

    x: float
    y: float
    said: str
    complete: bool


class Shade(NamedTuple):
    """The areas of a plane where a value lies between two levels: rings, of which an inner one is a hole."""

    low: float
    high: float
    rings: Sequence[Sequence[Point]]


def plane(title: str, spots: Sequence[Spot], shades: Sequence[Shade], across: Axis, up: Axis) -> str:
    """Trials over two fields; behind them the darker the shade, the higher the value there."""
    x, y = across.scale(LEFT, WIDTH - RIGHT, 0.04), up.scale(PLOT_TOP + PLOT, PLOT_TOP, 0.04)
    parts = [vector.text(LEFT, 14, title, kind="t"), vector.text(WIDTH - RIGHT, 14, up.title, kind="u", anchor="end")]
    for number, one in enumerate(shades):
        opacity = FAINTEST + (DARKEST - FAINTEST) * number / max(1, len(shades) - 1)
        rings = [[(x.at(right), y.at(over)) for right, over in ring] for ring in one.rings]
        parts.append(vector.area(rings, opacity))
    parts += _edges(x, y, across, up)
    for kind, title_of, complete in (("spot", "complete", True), ("ring", "pruned", False)):
        marks = [vector.mark(x.at(one.x), y.at(one.y), one.said, radius=4) for one in spots if one.complete is complete]
        parts.append(vector.group(marks, kind=kind, says=title_of))
    low = PLOT_TOP + PLOT + 52
    scale = f"; shade: {shades[0].low:.4f} (faint) to {shades[-1].high:.4f}" if shades else ""
    parts.append(vector.text(LEFT, low, f"filled: complete, hollow: pruned{scale}", kind="u"))
    return vector.drawing(WIDTH, low + 8, title, parts, kind="plane")


def _edges(x: Scale, y: Scale, across: Axis, up: Axis) -> list[str]:
    low = PLOT_TOP + PLOT
    parts = [vector.line(LEFT, low, WIDTH - RIGHT, low, "g"), vector.line(LEFT, PLOT_TOP, LEFT, low, "g")]
    for at, words in across.ticks:
        parts.append(vector.line(x.at(at), low, x.at(at), low + 4, "g"))
        parts.append(vector.text(x.at(at), low + 16, words, kind="u", anchor="middle"))
    parts += [vector.text(LEFT - 6, y.at(at) + 4, words, kind="u", anchor="end") for at, words in up.ticks]
    return [*parts, vector.text((LEFT + WIDTH - RIGHT) / 2, low + 32, across.title, kind="u", anchor="middle")]


@dataclass(frozen=True)
class Thread:
    """A trial across parallel axes: its place on each; `share` of 1 is the darkest. `said` is all that is known."""

    places: Sequence[float]
    share: float
    said: str


def parallel(title: str, threads: Sequence[Thread], axes: Sequence[Axis]) -> str:
    """Each trial as a line from axis to axis; only the last axis has its mark, each other one shows it to the mouse."""
    top, low = PLOT_TOP + 22, PLOT_TOP + 22 + SPREAD
    step = (WIDTH - 2 * LEFT) / max(1, len(axes) - 1)
    scales = [one.scale(low, top) for one in axes]
    parts = [vector.text(LEFT, 14, title, kind="t")]
    for number, one in enumerate(axes):
        x = LEFT + number * step
        parts.append(vector.line(x, top, x, low, "z"))
        parts.append(vector.text(x, low + 18, vector.short(one.title, 22), kind="u", anchor="middle"))
        parts += [vector.text(x + 5, scales[number].at(at) - 3, words, kind="u") for at, words in one.ticks]
    for thread in threads:
        points = [
            (LEFT + n * step, scale.at(at)) for n, (scale, at) in enumerate(zip(scales, thread.places, strict=True))
        ]
        marks = [vector.spot(*point, kind="a") for point in points[:-1]]
        last = vector.mark(*points[-1], thread.said, radius=3)
        opacity = 0.2 + 0.8 * thread.share
        parts.append(
            vector.group([vector.path(points, "p"), *marks, last], kind="thread", says="complete", opacity=opacity)
        )
    return vector.drawing(WIDTH, low + 28, title, parts, kind="parallel")
