"""The pictures of a study, from its document: history, slices, contour, parallel coordinates, importance, front."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suite.pictures.canvas import BLUE, GREEN, GREY, ORANGE, RED, new_figure, own_style
from suite.pictures.study_fields import accuracy, contour, is_numeric, label, parallel, place_of
from suite.recipe.space import Dimension, read_space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
Draw = Callable[[], "Figure"]

CAPTIONS = {
    "history": "what each trial came to, and the best complete one so far",
    "slice": "what each trial came to, by one field at a time",
    "contour": "accuracy at the first rung, where every trial has trained as long as every other",
    "parallel": "a line is a trial that came through to its end, the darker the better",
    "importance": "the share of each field in what made the complete trials differ (PED-ANOVA)",
    "front": "accuracy against training time; on the line is what nothing beats in both",
}


@own_style()
def study_pictures(facts: Record) -> "dict[str, Figure]":
    """The pictures for which the study has enough trials, by a key of `CAPTIONS`."""
    trials = [one for one in facts["trials"] if one["accuracies"] and one["state"] in ("COMPLETE", "PRUNED")]
    complete = [one for one in trials if one["state"] == "COMPLETE"]
    space = [one for one in read_space(facts["rules"]["space"]).values() if is_numeric(one)]
    drawn: dict[str, Draw] = {}
    if trials:
        drawn["history"] = lambda: _history(facts["trials"])
        drawn["slice"] = lambda: _slice(trials, space)
    first = [one for one in trials if one["reports"]]
    if len(space) > 1 and len({tuple(place_of(axis, one) for axis in space[:2]) for one in first}) > 3:
        drawn["contour"] = lambda: contour(first, space[:2])
    if len(complete) > 1 and space:
        drawn["parallel"] = lambda: parallel(complete, space)
    if facts["importances"]:
        drawn["importance"] = lambda: _importance(facts["importances"])
    if facts["rules"]["objective"] == "both" and complete:
        drawn["front"] = lambda: _front(complete)
    return {name: draw() for name, draw in drawn.items()}


def _points(axes: "Axes", trials: Sequence[Record], place: Callable[[Record], float]) -> None:
    for state, colour, words in (("PRUNED", GREY, "pruned, as far as it came"), ("COMPLETE", BLUE, "complete")):
        found = [one for one in trials if one["state"] == state]
        if found:
            filled = colour if state == "COMPLETE" else "none"
            axes.plot([place(one) for one in found], [accuracy(one) for one in found], "o", ms=5, ls="",
                      color=colour, mfc=filled, label=words)  # fmt: skip


def _history(trials: Sequence[Record]) -> "Figure":
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(8.4, 3.2)
    _points(axes, [one for one in trials if one["accuracies"]], lambda one: float(one["number"]))
    best = -math.inf
    steps: list[tuple[int, float]] = []
    for one in trials:
        best = max(best, accuracy(one)) if one["state"] == "COMPLETE" else best
        if best > -math.inf:
            steps.append((one["number"], best))
    axes.step([number for number, _ in steps], [value for _, value in steps], where="post", color=ORANGE, lw=1.2,
              label="best so far")  # fmt: skip
    for one in trials:
        if one["state"] == "FAIL":
            axes.axvline(one["number"], color=RED, lw=1, ls=":", label="failed")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title="History", xlabel="trial", ylabel="validation accuracy")
    _legend(figure, axes)
    return figure


def _slice(trials: Sequence[Record], space: Sequence[Dimension]) -> "Figure":
    figure, found = new_figure(8.4, 3.2, columns=max(1, len(space)))
    for axes, axis in zip(found, space, strict=False):
        _points(axes, trials, lambda one, axis=axis: place_of(axis, one))  # type: ignore[misc]
        label(axes, axis)
        axes.set_title(axis.field, parse_math=False)
    found[0].set_ylabel("validation accuracy")
    _legend(figure, found[0])
    return figure


def _importance(importances: Mapping[str, float]) -> "Figure":
    figure, (axes,) = new_figure(8.4, 0.45 * len(importances) + 1.0)
    ordered = sorted(importances.items(), key=lambda item: item[1])
    axes.barh(range(len(ordered)), [share for _, share in ordered], color=GREEN, height=0.6)
    axes.set_yticks(range(len(ordered)), [name for name, _ in ordered], parse_math=False)
    for place, (_, share) in enumerate(ordered):
        axes.annotate(f"{share:.2f}", (share, place), (4, -3), textcoords="offset points", fontsize=8)
    axes.set(title="Importance", xlim=(0, 1.08))
    return figure


def _front(complete: Sequence[Record]) -> "Figure":
    figure, (axes,) = new_figure(8.4, 3.4)
    points = [(one["results"][1], one["results"][0], one["number"]) for one in complete]
    front = [one for one in points if not any(_beats(other, one) for other in points)]
    axes.plot([one[0] for one in points], [one[1] for one in points], "o", ms=5, ls="", color=GREY, label="trials")
    front.sort()
    axes.plot([one[0] for one in front], [one[1] for one in front], "o-", ms=6, color=BLUE, label="Pareto front")
    for seconds, value, number in front:
        axes.annotate(str(number), (seconds, value), (4, 4), textcoords="offset points", fontsize=8)
    axes.set(title="Accuracy and time", xlabel="seconds of training a seed", ylabel="validation accuracy")
    _legend(figure, axes)
    return figure


def _beats(one: tuple[float, float, int], other: tuple[float, float, int]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one[:2] != other[:2]


def _legend(figure: "Figure", axes: "Axes") -> None:
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
