"""Parses a run's artifacts. On a shared server anyone may have written them: a damaged artifact counts as missing."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.analysis.confusion import CELLS, Matrix
from suite.text import clean

Row = dict[str, Any]

PREDICTIONS = "predictions.safetensors"
MOST_CLASSES = 1 << 16  # predictions are stored as uint8, or as uint16 where there are more than 256 classes


class Predictions(NamedTuple):
    """The predictions of n seeds for the same m test images."""

    predicted: NDArray[np.integer]
    confidence: NDArray[np.float32]
    labels: NDArray[np.integer]


def rows(text: bytes) -> list[dict[str, str]]:
    """The rows of a CSV; empty if it is not text."""
    try:
        return list(_each(text))
    except (ValueError, csv.Error):
        return []


def _each(text: bytes) -> Iterator[dict[str, str]]:
    """The rows, read one at a time: a matrix of many classes is long, and its first row has their names."""
    lines = io.StringIO(text.decode(), newline="")
    return ({name: cell for name, cell in row.items() if name} for row in csv.DictReader(lines))


def numbers(text: bytes) -> list[Row]:
    """The rows of a CSV of numbers, with None for an empty cell; no rows at all if any cell is not a number."""
    try:
        return [{name: float(cell) if cell else None for name, cell in row.items()} for row in rows(text)]
    except (ValueError, TypeError):
        return []


def history(text: bytes) -> list[Row]:
    """A row for each epoch, with `cumulative_train_seconds` up to its end; None for figures that old runs lack."""
    epochs = numbers(text)
    seconds = [row.get("train_seconds") for row in epochs]
    sums = [*accumulate(seconds)] if None not in seconds else [None] * len(epochs)
    absent = {"test_accuracy": None, "train_seconds": None}
    return [{**absent, **row, "cumulative_train_seconds": sum_} for row, sum_ in zip(epochs, sums, strict=True)]


def layers(text: bytes) -> list[Row]:
    """The rows of a `layers.csv`, whose `parameters` and `macs` are numbers, or None where they are not known."""
    try:
        counts = ("parameters", "macs")
        found = [{**row, **{name: int(row[name]) if row[name] else None for name in counts}} for row in rows(text)]
        return found if all(row["kind"] is not None and row["shape"] is not None for row in found) else []
    except (ValueError, TypeError, LookupError):
        return []


def class_names(text: bytes) -> tuple[str, ...]:
    """The class names of a `confusion.csv`, from its header or its first column; empty if it is none."""
    try:
        header = next(_each(text), {})
    except (ValueError, csv.Error):
        return ()
    found = dict.fromkeys(row["true"] for row in rows(text)) if tuple(header) == CELLS else list(header)[1:]
    names = tuple(clean(name) for name in found)
    return names if len(names) <= MOST_CLASSES else ()


def matrix(text: bytes, classes: int) -> Matrix | None:
    """Counts by true class (rows) and predicted class (columns), float64 (classes, classes); None if it is damaged.

    Of many classes the file has only the cells that are not 0. Every class has test images, so it is in a row.
    """
    every = rows(text)
    try:
        if every and tuple(every[0]) == CELLS:
            counts = _from_cells(every)
        else:
            counts = np.array([[float(cell) for cell in list(row.values())[1:]] for row in every])
    except (ValueError, TypeError, LookupError):
        return None
    square = classes > 0 and counts.shape == (classes, classes)
    return counts if square and np.isfinite(counts).all() and (counts >= 0).all() and counts.any() else None


def _from_cells(every: Sequence[Row]) -> Matrix:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(row["true"] for row in every))}
    counts = np.zeros((len(numbers), len(numbers)))
    for row in every:
        counts[numbers[row["true"]], numbers[row["predicted"]]] = float(row["images"])
    return counts


def predictions(files: Sequence[bytes], images: int, classes: int) -> Predictions | None:
    """The predictions of all seeds, stacked; None unless all are intact and about the same `images` test images.

    Labels and predictions must be less than `classes`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found = [load(contents) for contents in files]
        predicted, confidence, labels = (
            np.stack([one[name] for one in found]) for name in ("predicted", "confidence", "label")
        )
    except (SafetensorError, LookupError, ValueError, TypeError):
        return None
    kinds = predicted.dtype == labels.dtype in (np.uint8, np.uint16) and confidence.dtype == np.float32
    shapes = predicted.shape == confidence.shape == labels.shape == (len(files), images)
    if not kinds or not shapes or (labels != labels[0]).any() or not np.isfinite(confidence).all():
        return None
    if max(predicted.max(initial=0), labels.max(initial=0)) >= classes:
        return None
    return Predictions(predicted, confidence, labels[0])
