"""The picture of a comparison of tuned experiments: the best of a search by its number of trials. Writes no files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from suite.pictures.canvas import new_figure
from suite.pictures.comparisons import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from suite.analysis.best_so_far import Best


def best_so_far(curves: "Mapping[str, Sequence[Best]]") -> "Figure":
    """The best validation accuracy so far of each experiment, with its band where there is one."""
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(8.4, 3.6)
    for number, (title, some) in enumerate(curves.items()):
        colour, trials = COLOURS[number % len(COLOURS)], [one.trials for one in some]
        axes.step(trials, [one.median for one in some], where="post", color=colour, lw=1.4, label=title)
        band = [(one.low, one.high) for one in some if one.low is not None and one.high is not None]
        if band:
            lows, highs = zip(*band, strict=True)
            axes.fill_between(trials, lows, highs, step="post", color=colour, alpha=0.15, lw=0)
    shown = [one.median for some in curves.values() for one in some] or [0.5]
    room = max(0.01, (max(shown) - min(shown)) / 2)
    axes.set_ylim(min(shown) - room, min(1.0, max(shown) + room))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title="Best so far", xlabel="trials", ylabel="validation accuracy")
    axes.legend(frameon=False)
    return figure
