"""The picture of the bench: the ratios of times over all sessions. It writes no files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.pictures.canvas import GREY, logarithmic, new_figure
from suite.pictures.comparisons import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 40  # the latest sessions of each panel


def history(found: Sequence[dict[str, Any]]) -> "Figure":
    """One panel for each reference: the ratio of times with its 95 % interval by session, one colour per experiment."""
    besides = list(dict.fromkeys(one["beside"] for one in found))
    names = list(dict.fromkeys(one["experiment"] for one in found))
    figure, panels = new_figure(8.4, 2.6 * len(besides) + 0.4, rows=len(besides))
    for axes, beside in zip(panels, besides, strict=True):
        mine = [one for one in found if one["beside"] == beside]
        sessions = list(dict.fromkeys(one["at"] for one in mine))[-SHOWN:]
        for number, name in enumerate(names):
            if shown := [one for one in mine if one["experiment"] == name and one["at"] in sessions]:
                _line(axes, shown, sessions, number, len(names))
        axes.axhline(1, color=GREY, lw=1, ls="--")
        logarithmic(axes, "y", at=(1, 1.5, 2, 3, 5, 7), unit="×")
        axes.set_xticks(range(len(sessions)), [at[:16].replace("T", "\n") for at in sessions], fontsize=6)
        axes.set_title(f"Time of a step beside: {beside}"[:80], parse_math=False)
    named = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=6, fontsize=7)
    return figure


def _line(axes: "Axes", shown: list[dict[str, Any]], sessions: list[str], number: int, of: int) -> None:
    places = [sessions.index(one["at"]) + 0.6 * (number + 0.5) / of - 0.3 for one in shown]
    values = [one["times as long"] for one in shown]
    ends = [[one["times as long"] - one["low"] for one in shown], [one["high"] - one["times as long"] for one in shown]]
    label = shown[0]["experiment"][:40]
    axes.errorbar(places, values, yerr=ends, fmt="o-", ms=3, lw=1, color=COLOURS[number % len(COLOURS)], label=label)
