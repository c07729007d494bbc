"""The picture of a history: a measure over commits, with a band of noise and the change points. It writes no files."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.pictures.canvas import BLUE, GREY, RED, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 24  # commits whose names fit below the axis


def over_commits(title: str, points: Sequence[Mapping[str, Any]], changes: Sequence[int]) -> "Figure":
    """Each value with its interval, in the order of the commits; a band of two standard deviations between changes."""
    figure, (axes,) = new_figure(8.4, 3.2)
    values = np.array([point["value"] for point in points])
    places = np.arange(len(points))
    axes.vlines(places, [point["low"] for point in points], [point["high"] for point in points], color=BLUE, lw=1)
    axes.plot(places, values, "o", color=BLUE, ms=4)
    for start, end in pairwise([0, *changes, len(points)]):
        part = values[start:end]
        spread = 2 * float(part.std(ddof=1)) if len(part) > 1 else 0.0
        inside = [start - 0.4, end - 0.6]
        axes.hlines(part.mean(), *inside, color=GREY, lw=1)
        axes.fill_between(inside, part.mean() - spread, part.mean() + spread, color=GREY, alpha=0.2, lw=0)
    for at in changes:
        axes.axvline(at - 0.5, color=RED, lw=1.2)
    step = -(-len(points) // MOST)
    names = [str(point["commit"])[:7] for point in points]
    axes.set_xticks(places[::step], names[::step], rotation=60, ha="right", fontsize=7, parse_math=False)
    axes.set_title(title, parse_math=False)
    return figure
