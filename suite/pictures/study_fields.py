"""The pictures of a study that show two or more of its fields at once: contour and parallel coordinates."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.pictures.canvas import BLUE, GREY, ORANGE, new_figure
from suite.pictures.planes import Shade, Tick
from suite.recipe.space import Dimension

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.tri import TriContourSet

Record = Mapping[str, Any]


def is_numeric(one: Dimension) -> bool:
    """Whether all values of a field are numbers, so that they have places on an axis."""
    return not one.choices or all(isinstance(choice, int | float) for choice in one.choices)


def accuracy(trial: Record) -> float:
    """A trial's mean accuracy over its seeds, 0 to 1."""
    return float(np.mean(trial["accuracies"]))


def place_of(axis: Dimension, trial: Record) -> float:
    """The position of a trial on an axis, which is logarithmic for scales and for powers of two."""
    value = float(trial["values"][axis.field])
    return math.log10(value) if axis.log else math.log2(value) if axis.exponents else value


def ticks_of(axis: Dimension) -> list[Tick]:
    """The places of an axis that have words, and these."""
    ends = [float(end) for end in axis.extremes]
    if axis.exponents:
        return [Tick(float(exponent), str(2**exponent)) for exponent in axis.exponents]
    if axis.log:
        powers = range(math.ceil(math.log10(ends[0]) - 1e-9), math.floor(math.log10(ends[-1]) + 1e-9) + 1)
        return [Tick(float(power), f"{10.0**power:g}") for power in powers]
    places = sorted(ends) if axis.choices else [float(place) for place in np.linspace(ends[0], ends[-1], 5)]
    return [Tick(place, f"{place:.4g}") for place in places]


def ends_of(axis: Dimension) -> tuple[float, float]:
    """The places of the smallest and the largest value of an axis."""
    places = sorted(place_of(axis, {"values": {axis.field: end}}) for end in axis.extremes)
    return places[0], places[-1]


def named(axis: Dimension) -> str:
    """The field's name, and how its axis goes."""
    return f"{axis.field}{' (log)' if axis.log else ''}"


def label(axes: "Axes", axis: Dimension, which: str = "x") -> None:
    """Label an axis with the field's name and values."""
    places, words = zip(*ticks_of(axis), strict=True) if ticks_of(axis) else ((), ())
    getattr(axes, f"set_{which}ticks")(places, words, parse_math=False)
    getattr(axes, f"set_{which}label")(named(axis), parse_math=False)


def contour(trials: Sequence[Record], space: Sequence[Dimension]) -> "Figure":
    """The accuracy at the first rung over the two fields of a space, shaded between the trials, which are marks."""
    figure, (axes,) = new_figure(6.6, 4.2)
    across, up = space
    at = at_first_rung(trials, space)
    if shades := _shades(axes, at):
        figure.colorbar(shades, ax=axes, format="%.3f", label="accuracy at the first rung")
    ended = {(place_of(across, one), place_of(up, one)) for one in trials if one["state"] == "COMPLETE"}
    for point in at:
        axes.plot(*point, "o", ms=5, color=ORANGE, mfc=ORANGE if point in ended else "none", clip_on=False)
    label(axes, across)
    label(axes, up, "y")
    axes.set_title(f"{up.field} × {across.field}; filled: complete", parse_math=False)
    axes.grid(visible=False)
    return figure


def first_rung(trial: Record) -> float:
    """A trial's accuracy where every trial has trained as long as every other."""
    return float(trial["reports"][min(trial["reports"], key=int)])


def at_first_rung(trials: Sequence[Record], space: Sequence[Dimension]) -> dict[tuple[float, float], float]:
    """The accuracies at the first rung, by the places of two fields; of equal places the last trial's."""
    across, up = space
    return {(place_of(across, one), place_of(up, one)): first_rung(one) for one in trials}


def shades_of(trials: Sequence[Record], space: Sequence[Dimension]) -> list[Shade]:
    """The shades of the contour as areas in the places of its two fields."""
    _, (axes,) = new_figure(1, 1)
    found = _shades(axes, at_first_rung(trials, space))
    if found is None:
        return []
    least = min(first_rung(one) for one in trials)
    ends = [least, *map(float, found.levels)]  # below the first level everything has one shade
    rings = [[[(float(x), float(y)) for x, y in ring] for ring in path.to_polygons()] for path in found.get_paths()]
    return [Shade(low, high, one) for low, high, one in zip(ends, ends[1:], rings, strict=False) if one]


def _shades(axes: "Axes", at: Mapping[tuple[float, float], float]) -> "TriContourSet | None":
    from matplotlib.tri import Triangulation

    x, y = (np.array(values) for values in zip(*at, strict=True))
    values = np.array(list(at.values()))
    if len(set(x)) < 2 or len(set(y)) < 2 or not values.min() < values.max():
        return None
    levels = np.linspace(np.quantile(values, 0.1), values.max(), 12)
    if not levels[0] < levels[-1]:
        return None
    try:
        corners = Triangulation(x, y)
    except RuntimeError:  # all of them on one line
        return None
    return axes.tricontourf(corners, values, levels=levels, cmap="Blues", extend="min")


def parallel(complete: Sequence[Record], space: Sequence[Dimension]) -> "Figure":
    """Parallel coordinates: an axis for each field and one for the accuracy, and a line for each complete trial."""
    figure, (axes,) = new_figure(8.4, 3.4)
    accuracies = [accuracy(one) for one in complete]
    low, high = min(accuracies), max(accuracies)
    ends = [ends_of(axis) for axis in space]
    for one in sorted(complete, key=accuracy):
        heights = [
            (place_of(axis, one) - first) / (last - first) for axis, (first, last) in zip(space, ends, strict=True)
        ]
        share = (accuracy(one) - low) / (high - low) if high > low else 1.0
        axes.plot([*heights, share], color=BLUE, alpha=0.2 + 0.8 * share, lw=0.8 + 1.4 * share)
    for place, (axis, (first, last)) in enumerate(zip(space, ends, strict=True)):
        axes.axvline(place, color=GREY, lw=0.8)
        for height, end in ((0.0, first), (1.0, last)):
            word = 10**end if axis.log else 2**end if axis.exponents else end
            axes.annotate(f"{word:.4g}", (place, height), (4, 3), textcoords="offset points", fontsize=8)
    axes.axvline(len(space), color=GREY, lw=0.8)
    for height, value in ((0.0, low), (1.0, high)):
        axes.annotate(f"{value:.4f}", (len(space), height), (4, 3), textcoords="offset points", fontsize=8)
    axes.set_xticks(range(len(space) + 1), [*map(named, space), "accuracy"], parse_math=False)
    axes.set_yticks([])
    axes.set(title="Parallel coordinates", xlim=(-0.1, len(space) + 0.35), ylim=(-0.06, 1.1))
    return figure
