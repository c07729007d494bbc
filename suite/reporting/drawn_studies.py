"""Our own charts of a study. Its contour and its parallel coordinates stay pictures."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from suite.pictures.charts import Axes, Line, Series, Value, lines, rows
from suite.recipe.space import Dimension, read_space
from suite.recipe.values import as_words
from suite.reporting.drawn import Drawn

Record = Mapping[str, Any]
STATES = (("COMPLETE", "complete", "own"), ("PRUNED", "pruned, as far as it came", "pale"))


def study_charts(facts: Record) -> dict[str, Drawn]:
    """The charts of a study by a key of `pictures.studies.CAPTIONS`. Their numbers are in the table of trials."""
    trials = [one for one in facts["trials"] if one["accuracies"] and one["state"] in ("COMPLETE", "PRUNED")]
    complete = [one for one in trials if one["state"] == "COMPLETE"]
    found = {}
    if trials:
        found["history"] = Drawn([_history(trials)])
        found["slice"] = Drawn([_slice(trials, axis) for axis in _axes(facts)])
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
