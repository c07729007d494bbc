"""What a finished run's folder is worth looking at for: tables and pictures, made from its own files."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from suite.analysis.confusion import Matrix, confusion
from suite.data import image_bytes
from suite.data.catalog import data_set
from suite.disk import files
from suite.disk.documents import Record, Result
from suite.disk.journal import Run
from suite.errors import machine_error
from suite.pictures import canvas
from suite.pictures import runs as pictures

HISTORY = (
    "epoch", "images", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_accuracy", "train_seconds",
)  # fmt: skip
LAYERS = ("name", "kind", "shape", "parameters", "macs")
PROBES = ("step", "batch_loss", "test_accuracy")


def make(run: Run, data_folder: Path) -> None:
    """Write `artifacts/` into a finished run's folder; what is there already is written again, the same.

    Raises `SuiteError` (3) where it cannot be written.
    """
    into = run.folder / "artifacts"
    try:
        files.make_folder(into)
        with FileLock(run.folder / "artifacts.lock"):  # two commands may find a run without pictures
            files.remove_leftovers(into)
            _make(run, data_folder, into)
    except OSError as error:
        raise machine_error(error, error.filename or into) from error


@canvas.own_style()
def _make(run: Run, data_folder: Path, into: Path) -> None:
    facts, history, layers = run.recipe(), run.history(), _finished(run)["network"]["layers"]
    classes = data_set(facts["recipe"]["data"]).classes
    predicted, confidence, labels = _predictions(run.folder)
    images = image_bytes(data_folder, "t10k-images-idx3-ubyte")
    matrix = confusion(labels, predicted, len(classes))
    _write_csv(into / "history.csv", HISTORY, [{**record, **record["clock"]} for record in history])
    _write_confusion(into / "confusion.csv", matrix, classes)
    _write_csv(into / "layers.csv", LAYERS, [{**row, "shape": "×".join(map(str, row["shape"]))} for row in layers])
    figures = {
        "curves.png": pictures.curves([history], _published(facts)),
        "confusion.png": pictures.confusion(matrix, classes),
        "samples.png": pictures.samples(images, labels, predicted, confidence, classes),
    }
    if probes := [probe for record in history for probe in record["probes"]]:
        _write_csv(into / "probes.csv", PROBES, probes)
        figures["probes.png"] = pictures.probes([history], min(facts["recipe"]["probe_images"], len(labels)))
    drawn = {
        "network.png": _network(json.dumps(layers)),
        **{name: canvas.image(figure, "png") for name, figure in figures.items()},
    }
    for name, image in drawn.items():
        files.write(into / name, image)


@lru_cache(maxsize=64)
def _network(layers: str) -> bytes:
    """The same for every seed, so drawn once."""
    return canvas.image(pictures.network(json.loads(layers)), "png")


def _finished(run: Run) -> Result:
    result = run.result()
    assert result is not None  # only finished runs have pictures
    return result


def _predictions(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file

    stored = load_file(folder / "predictions.safetensors")
    return stored["predicted"], stored["confidence"], stored["label"]


def _published(facts: Record) -> dict[int, list[float]]:
    source = facts["source"] or {}
    return {} if facts["overrides"] else {int(epoch): row for epoch, row in source.get("history", {}).items()}


def _write_csv(path: Path, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, text.getvalue().encode())


def _write_confusion(path: Path, matrix: Matrix, classes: tuple[str, ...]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["true \\ predicted", *classes])
    writer.writerows([name, *map(int, row)] for name, row in zip(classes, matrix, strict=True))
    files.write(path, text.getvalue().encode())
