"""Compare recipes that another program has trained, by files of their predictions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from suite.analysis.comparison import Answers, common_seeds, compare
from suite.analysis.intervals import FEWEST, LEVEL
from suite.api.results import Compared
from suite.disk.predictions import Predictions, read_predictions
from suite.errors import SuiteError
from suite.reporting.predictions import Answered
from suite.text import plural


def compare_files(paths: Sequence[Path], *, margin: float | None = None) -> Compared:
    """Compare each pair of files of predictions under the seeds that all have in common; nothing is trained.

    Raises `SuiteError` (2) for a file that does not fit, for files about different items or other labels, and for fewer
    than `FEWEST` seeds in common.
    """
    if len(paths) < 2:
        raise SuiteError("compare takes two files of predictions or more.", "Name another one.")
    found = [read_predictions(path) for path in paths]
    for one in found[1:]:
        _require_same_items(found[0], one)
    classes = _in_order({*found[0].labels, *(name for one in found for name in np.unique(one.predicted))})
    answers = [_answers(one, title, classes) for one, title in zip(found, _titles(paths), strict=True)]
    common = common_seeds(answers)
    if len(common) < FEWEST:
        names, seeds = " and ".join(map(str, paths)), plural(len(common), "seed")
        raise SuiteError(
            f"{names} have {seeds} in common, and {FEWEST} are the fewest that can be compared.",
            "A single training says nothing of the next one: train with more seeds.",
        )
    answers = [one.under(common) for one in answers]
    sure = all(one.confidence is not None for one in found)
    return Compared(Answered(answers, compare(answers, LEVEL, margin=margin), classes, found[0].items, sure))


def _answers(one: Predictions, title: str, classes: Sequence[str]) -> Answers:
    """The answers with classes as numbers; without probabilities every answer is equally sure."""
    numbers = {name: number for number, name in enumerate(classes)}
    names, places = np.unique(one.predicted, return_inverse=True)
    predicted = np.array([numbers[name] for name in names])[places].reshape(one.predicted.shape)
    sure = np.ones(predicted.shape, np.float32) if one.confidence is None else one.confidence
    return Answers(title, one.seeds, predicted, sure, np.array([numbers[name] for name in one.labels]))


def _in_order(names: set[str]) -> tuple[str, ...]:
    """Class names in the order of their numbers, if all are numbers, else of their letters."""
    return tuple(sorted(map(str, names), key=lambda name: (int(name), name) if name.isdecimal() else (-1, name)))


def _titles(paths: Sequence[Path]) -> list[str]:
    """What the files are called: their names, or their paths where two names are equal."""
    names = [path.stem for path in paths]
    if len({path.resolve() for path in paths}) < len(paths):
        raise SuiteError(f"{' and '.join(map(str, paths))}: a file is named twice.", "Name two that differ.")
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _require_same_items(first: Predictions, one: Predictions) -> None:
    for has, lacks in ((first, one), (one, first)):
        if only := set(has.items) - set(lacks.items):
            count = f"{len(only):,} items" if len(only) > 1 else "an item"
            raise SuiteError(
                f"{has.path} has {count} that {lacks.path} has not, such as {min(only)!r:.80}.",
                "Both must be about the same items.",
            )
    for item, ours, theirs in zip(first.items, first.labels, one.labels, strict=True):
        if ours != theirs:
            raise SuiteError(
                f"item {item!r:.80} has the label {ours!r:.40} in {first.path} and {theirs!r:.40} in {one.path}.",
                "Both must have the same labels.",
            )
