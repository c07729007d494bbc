"""Our own charts of a study."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from suite.pictures.charts import Axes, Line, Series, Value, lines, rows
from suite.pictures.planes import Axis, Spot, Thread, Tick, parallel, plane
from suite.pictures.study_fields import at_first_rung, ends_of, first_rung, named, place_of, shades_of, ticks_of
from suite.recipe.space import Dimension, read_space
from suite.recipe.values import as_words
from suite.reporting.drawn import Drawn
from suite.reporting.table import Row, Table

Record = Mapping[str, Any]
STATES = (("COMPLETE", "complete", "own"), ("PRUNED", "pruned, as far as it came", "pale"))


def study_charts(facts: Record) -> dict[str, Drawn]:
    """The charts of a study by a key of `pictures.studies.CAPTIONS`.

    Numbers that the table of trials does not have in columns of their own are in a table behind the chart.
    """
    trials = [one for one in facts["trials"] if one["accuracies"] and one["state"] in ("COMPLETE", "PRUNED")]
    complete = [one for one in trials if one["state"] == "COMPLETE"]
    found = {}
    if trials:
        found["history"] = Drawn([_history(trials)])
        found["slice"] = Drawn([_slice(trials, axis) for axis in _axes(facts)])
    first, axes = [one for one in trials if one["reports"]], _axes(facts)
    if len(axes) > 1 and len(at_first_rung(first, axes[:2])) > 3:
        found["contour"] = _contour(first, axes[:2])
    if len(complete) > 1 and axes:
        found["parallel"] = _parallel(complete, axes)
    if facts["importances"]:
        found["importance"] = Drawn([_importance(facts["importances"])])
    if facts["rules"]["objective"] == "both" and complete:
        found["front"] = Drawn([_front(complete)])
    return found


def _axes(facts: Record) -> list[Dimension]:
    """The fields of the space that have numbers."""
    space = read_space(facts["rules"]["space"]).values()
    return [one for one in space if all(isinstance(choice, int | float) for choice in one.choices or ())]


def _accuracy(trial: Record) -> float:
    return math.fsum(trial["accuracies"]) / len(trial["accuracies"])


def _said(trial: Record) -> str:
    seeds = len(trial["accuracies"])
    return f"trial {trial['number']}, {as_words(trial['values'])}: {_accuracy(trial):.4f}, n {seeds}"


def _points(trials: Sequence[Record], place: Callable[[Record], float]) -> list[Series]:
    """The trials as marks, the pruned ones apart from the complete ones."""
    return [
        Series(title, None, [(place(one), _accuracy(one), _said(one)) for one in trials if one["state"] == state],
               kind=kind, joined=False)
        for state, title, kind in STATES
    ]  # fmt: skip


def _history(trials: Sequence[Record]) -> str:
    best = -math.inf
    steps: list[tuple[float, float, str]] = []
    for one in trials:
        if one["state"] == "COMPLETE" and _accuracy(one) > best:
            steps += [(one["number"], best, "")] if steps else []
            best = _accuracy(one)
        steps += [(one["number"], best, "")] if best > -math.inf else []
    so_far = Series("best complete one so far", None, steps, kind="best")
    found = [so_far, *_points(trials, lambda one: float(one["number"]))]
    return lines("History", found, Axes("trial", "validation accuracy", whole=True))


def _slice(trials: Sequence[Record], axis: Dimension) -> str:
    name, log = axis.field, bool(axis.log or axis.exponents)
    found = _points(trials, lambda one: float(one["values"][name]))
    return lines(f"Trials by {name}"[:60], found, Axes(name, "validation accuracy", log=log))


def _contour(first: Sequence[Record], space: Sequence[Dimension]) -> Drawn:
    """The accuracy at the first rung over two fields, with the shades of the picture."""
    across, up = space
    ordered = sorted(first, key=first_rung)  # the best ones on top
    spots = [
        Spot(place_of(across, one), place_of(up, one), _at_first(one, space), one["state"] == "COMPLETE")
        for one in ordered
    ]
    title = f"{up.field} × {across.field}: accuracy at the first rung"
    drawn = plane(title[:60], spots, shades_of(first, space), _axis(across), _axis(up))
    table: list[Row] = [
        {"trial": one["number"], **{axis.field: one["values"][axis.field] for axis in space},
         "at the first rung": first_rung(one), "state": one["state"].lower()}
        for one in reversed(ordered)
    ]  # fmt: skip
    formats = {
        "trial": "d",
        **dict.fromkeys((axis.field for axis in space), ""),
        "at the first rung": ".4f",
        "state": "",
    }
    return Drawn([drawn], Table("Numbers of the contour, the best first", table, formats))


def _at_first(trial: Record, space: Sequence[Dimension]) -> str:
    values = as_words({axis.field: trial["values"][axis.field] for axis in space})
    return f"trial {trial['number']}, {values}: {first_rung(trial):.4f} at the first rung"


def _axis(one: Dimension) -> Axis:
    low, high = ends_of(one)
    return Axis(named(one), low, high, ticks_of(one))


def _parallel(complete: Sequence[Record], space: Sequence[Dimension]) -> Drawn:
    """Each complete trial as a line over all fields to its accuracy; the best ones are the darkest."""
    ordered = sorted(complete, key=_accuracy)
    low, high = _accuracy(ordered[0]), _accuracy(ordered[-1])
    axes = [Axis(named(one), *ends_of(one), _ends_named(one)) for one in space]
    axes.append(Axis("accuracy", low, high, [Tick(end, f"{end:.4f}") for end in {low: 0, high: 0}]))
    threads = [
        Thread([*(place_of(axis, one) for axis in space), _accuracy(one)],
               (_accuracy(one) - low) / (high - low) if high > low else 1.0, _said(one))
        for one in ordered
    ]  # fmt: skip
    table: list[Row] = [
        {"trial": one["number"], **{axis.field: one["values"][axis.field] for axis in space},
         "accuracy": _accuracy(one)}
        for one in reversed(ordered)
    ]  # fmt: skip
    formats = {"trial": "d", **dict.fromkeys((axis.field for axis in space), ""), "accuracy": ".4f"}
    drawn = parallel("Complete trials, field by field", threads, axes)
    return Drawn([drawn], Table("Numbers of the lines, the best first", table, formats))


def _ends_named(one: Dimension) -> list[Tick]:
    return [
        Tick(place, f"{value:.4g}")
        for place, value in zip(ends_of(one), (min(one.extremes), max(one.extremes)), strict=True)
    ]


def _importance(importances: Mapping[str, float]) -> str:
    ordered = sorted(importances.items(), key=lambda item: -item[1])
    found = [Line(name, None, [Value(share, f"{share:.2f}", "q")], (0.0, share)) for name, share in ordered]
    return rows("Importance", found, axis="share")


def _front(complete: Sequence[Record]) -> str:
    """Accuracy against seconds of training; on the line is what nothing beats in both."""
    points = [(one["results"][1], one["results"][0], _said(one)) for one in complete]
    front, best = [], -math.inf
    for seconds, accuracy, _ in sorted(points, key=lambda one: (one[0], -one[1])):
        if accuracy > best:
            best = accuracy
            front.append((seconds, accuracy, ""))
    found = [Series("Pareto front", None, front, kind="best"), Series("trials", None, points, kind="own", joined=False)]
    return lines("Accuracy and time", found, Axes("seconds of training a seed", "validation accuracy"))
