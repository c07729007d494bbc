"""The pictures of a study, from its document: history, slices, contour, parallel coordinates, importance, front."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.pictures.canvas import BLUE, GREEN, GREY, ORANGE, RED, new_figure, own_style
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
    space = [one for one in read_space(facts["rules"]["space"]).values() if _is_numeric(one)]
    drawn: dict[str, Draw] = {}
    if trials:
        drawn["history"] = lambda: _history(facts["trials"])
        drawn["slice"] = lambda: _slice(trials, space)
    first = [one for one in trials if one["reports"]]
    if len(space) > 1 and len({tuple(_place(axis, one) for axis in space[:2]) for one in first}) > 3:
        drawn["contour"] = lambda: _contour(first, space[:2])
    if len(complete) > 1 and space:
        drawn["parallel"] = lambda: _parallel(complete, space)
    if facts["importances"]:
        drawn["importance"] = lambda: _importance(facts["importances"])
    if facts["rules"]["objective"] == "both" and complete:
        drawn["front"] = lambda: _front(complete)
    return {name: draw() for name, draw in drawn.items()}


def _is_numeric(one: Dimension) -> bool:
    return not one.choices or all(isinstance(choice, int | float) for choice in one.choices)


def _accuracy(trial: Record) -> float:
    return float(np.mean(trial["accuracies"]))


def _place(axis: Dimension, trial: Record) -> float:
    """The position of a trial on an axis, which is logarithmic for scales and for powers of two."""
    value = float(trial["values"][axis.field])
    return math.log10(value) if axis.log else math.log2(value) if axis.exponents else value


def _label(axes: "Axes", axis: Dimension, which: str = "x") -> None:
    """Label an axis with the field's name and values."""
    ends = [float(end) for end in axis.extremes]
    if axis.exponents:
        places = [float(exponent) for exponent in axis.exponents]
        words = [str(2**exponent) for exponent in axis.exponents]
    elif axis.log:
        powers = range(math.ceil(math.log10(ends[0]) - 1e-9), math.floor(math.log10(ends[-1]) + 1e-9) + 1)
        places, words = [float(power) for power in powers], [f"{10.0**power:g}" for power in powers]
    else:
        places = sorted(ends) if axis.choices else list(np.linspace(ends[0], ends[-1], 5))
        words = [f"{place:.4g}" for place in places]
    name = f"{axis.field}{' (log)' if axis.log else ''}"
    getattr(axes, f"set_{which}ticks")(places, words, parse_math=False)
    getattr(axes, f"set_{which}label")(name, parse_math=False)


def _points(axes: "Axes", trials: Sequence[Record], place: Callable[[Record], float]) -> None:
    for state, colour, label in (("PRUNED", GREY, "pruned, as far as it came"), ("COMPLETE", BLUE, "complete")):
        found = [one for one in trials if one["state"] == state]
        if found:
            filled = colour if state == "COMPLETE" else "none"
            axes.plot([place(one) for one in found], [_accuracy(one) for one in found], "o", ms=5, ls="",
                      color=colour, mfc=filled, label=label)  # fmt: skip


def _history(trials: Sequence[Record]) -> "Figure":
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(8.4, 3.2)
    _points(axes, [one for one in trials if one["accuracies"]], lambda one: float(one["number"]))
    best = -math.inf
    steps: list[tuple[int, float]] = []
    for one in trials:
        best = max(best, _accuracy(one)) if one["state"] == "COMPLETE" else best
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
        _points(axes, trials, lambda one, axis=axis: _place(axis, one))  # type: ignore[misc]
        _label(axes, axis)
        axes.set_title(axis.field, parse_math=False)
    found[0].set_ylabel("validation accuracy")
    _legend(figure, found[0])
    return figure


def _contour(trials: Sequence[Record], space: Sequence[Dimension]) -> "Figure":
    from matplotlib.tri import Triangulation

    figure, (axes,) = new_figure(6.6, 4.2)
    across, up = space
    at: dict[tuple[float, float], float] = {}
    for one in trials:
        at[_place(across, one), _place(up, one)] = one["reports"][min(one["reports"], key=int)]
    x, y = (np.array(values) for values in zip(*at, strict=True))
    values = np.array(list(at.values()))
    if len(set(x)) > 1 and len(set(y)) > 1 and values.min() < values.max():
        levels = np.linspace(np.quantile(values, 0.1), values.max(), 12)
        if levels[0] < levels[-1]:
            shades = axes.tricontourf(Triangulation(x, y), values, levels=levels, cmap="Blues", extend="min")
            figure.colorbar(shades, ax=axes, format="%.3f", label="accuracy at the first rung")
    ended = {(_place(across, one), _place(up, one)) for one in trials if one["state"] == "COMPLETE"}
    for point in at:
        axes.plot(*point, "o", ms=5, color=ORANGE, mfc=ORANGE if point in ended else "none", clip_on=False)
    _label(axes, across)
    _label(axes, up, "y")
    axes.set_title(f"{up.field} × {across.field}; filled: complete", parse_math=False)
    axes.grid(visible=False)
    return figure


def _parallel(complete: Sequence[Record], space: Sequence[Dimension]) -> "Figure":
    figure, (axes,) = new_figure(8.4, 3.4)
    accuracies = [_accuracy(one) for one in complete]
    low, high = min(accuracies), max(accuracies)
    ends = [sorted(_place(axis, {"values": {axis.field: end}}) for end in axis.extremes) for axis in space]
    for one in sorted(complete, key=_accuracy):
        heights = [
            (_place(axis, one) - first) / (last - first) for axis, (first, *_, last) in zip(space, ends, strict=True)
        ]
        share = (_accuracy(one) - low) / (high - low) if high > low else 1.0
        axes.plot([*heights, share], color=BLUE, alpha=0.2 + 0.8 * share, lw=0.8 + 1.4 * share)
    for place, (axis, (first, *_, last)) in enumerate(zip(space, ends, strict=True)):
        axes.axvline(place, color=GREY, lw=0.8)
        for height, end in ((0.0, first), (1.0, last)):
            word = 10**end if axis.log else 2**end if axis.exponents else end
            axes.annotate(f"{word:.4g}", (place, height), (4, 3), textcoords="offset points", fontsize=8)
    axes.axvline(len(space), color=GREY, lw=0.8)
    for height, value in ((0.0, low), (1.0, high)):
        axes.annotate(f"{value:.4f}", (len(space), height), (4, 3), textcoords="offset points", fontsize=8)
    names = [f"{axis.field}{' (log)' if axis.log else ''}" for axis in space]
    axes.set_xticks(range(len(space) + 1), [*names, "accuracy"], parse_math=False)
    axes.set_yticks([])
    axes.set(title="Parallel coordinates", xlim=(-0.1, len(space) + 0.35), ylim=(-0.06, 1.1))
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
    for seconds, accuracy, number in front:
        axes.annotate(str(number), (seconds, accuracy), (4, 4), textcoords="offset points", fontsize=8)
    axes.set(title="Accuracy and time", xlabel="seconds of training a seed", ylabel="validation accuracy")
    _legend(figure, axes)
    return figure


def _beats(one: tuple[float, float, int], other: tuple[float, float, int]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one[:2] != other[:2]


def _legend(figure: "Figure", axes: "Axes") -> None:
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
