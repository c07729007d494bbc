"""The artifacts of a finished run: tables and pictures, made from the files in its folder."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from suite.analysis.confusion import CELLS, MOST_SQUARE, Matrix, confusion
from suite.data import test_images
from suite.data.catalog import data_set
from suite.data.dataset import Shape
from suite.disk import files
from suite.disk.documents import Record, Result
from suite.disk.journal import Run
from suite.errors import machine_error, one_line
from suite.pictures import canvas
from suite.pictures import runs as pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HISTORY = (
    "epoch", "images", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_accuracy", "train_seconds",
)  # fmt: skip
LAYERS = ("name", "kind", "shape", "parameters", "macs")
PROBES = ("step", "batch_loss", "test_accuracy")
UNDRAWN, LARGEST = ".undrawn", 1 << 16  # the note of pictures to be drawn later, and its bytes at most
DataFolder = Callable[[str], Path]  # of a data set's name


def make(run: Run, data_folder: DataFolder) -> None:
    """Write `artifacts/` into a finished run's folder; what is there already is written again, the same.

    A picture that cannot be drawn is left out, and `undrawn` names it until it is drawn. Raises `SuiteError` (3) where
    `artifacts/` cannot be written.
    """
    into = run.folder / "artifacts"
    try:
        files.make_folder(into)
        with FileLock(run.folder / "artifacts.lock"):  # two commands may start this for the same run
            files.remove_leftovers(into)
            _make(run, data_folder, into)
    except OSError as error:
        raise machine_error(error, error.filename or into) from error


def undrawn(run: Run) -> str:
    """The pictures that could not be drawn, with the reasons, as one line; empty if there are none."""
    path = run.folder / "artifacts" / UNDRAWN
    try:
        found = files.read(path, LARGEST).decode(errors="replace")
    except (OSError, files.Unfit):
        return ""
    return one_line(f"{run.name} is finished, without {found}. `python -m suite sync` tries again.")


def undrawn_in(runs: Path) -> set[Path]:
    """The folders of the runs that lack a picture."""
    return {path.parent.parent for path in runs.glob(f"*/*/artifacts/{UNDRAWN}")}


@canvas.own_style()
def _make(run: Run, data_folder: DataFolder, into: Path) -> None:
    facts, history, layers = run.recipe(), run.history(), _finished(run).get("network", {}).get("layers", [])
    data = data_set(facts["recipe"]["data"])
    predicted, confidence, labels = predictions(run.folder)
    matrix = confusion(labels, predicted, len(data.classes))
    _write_csv(into / "history.csv", HISTORY, [{**record, **record["clock"]} for record in history])
    _write_confusion(into / "confusion.csv", matrix, data.classes)
    rows = [{**row, "shape": "×".join(map(str, row["shape"] or ()))} for row in layers]
    _write_csv(into / "layers.csv", LAYERS, rows)

    def samples() -> "Figure":
        images = test_images(data.name, data_folder(data.name))
        return pictures.samples(images, labels, predicted, confidence, data.classes)

    figures: dict[str, Callable[[], Figure]] = {
        "curves.png": lambda: pictures.curves([history], _published(facts)),
        "confusion.png": lambda: pictures.confusion(matrix, data.classes),
        "samples.png": samples,
    }
    if probes := [probe for record in history for probe in record["probes"]]:
        _write_csv(into / "probes.csv", PROBES, probes)
        images = min(facts["recipe"]["probe_images"], len(labels))
        figures["probes.png"] = lambda: pictures.probes([history], images)
    drawn = {name: lambda figure=figure: canvas.image(figure(), "png") for name, figure in figures.items()}
    _draw(into, {"network.png": lambda: _network(json.dumps(layers), data.shape), **drawn})


def _draw(into: Path, drawings: Mapping[str, Callable[[], bytes]]) -> None:
    """Write the pictures, and a note of those that cannot be drawn: no picture is worth a trained run."""
    missing = []
    for name, draw in drawings.items():
        try:
            image = draw()
        except Exception as error:  # matplotlib, its fonts, the data, the memory
            missing.append(f"{name} ({type(error).__name__}: {one_line(str(error)):.200})")
        else:
            files.write(into / name, image)
    if missing:
        files.write(into / UNDRAWN, ", ".join(missing).encode())
    else:
        files.remove(into / UNDRAWN)


@lru_cache(maxsize=64)
def _network(layers: str, image: Shape) -> bytes:
    """The picture of the network. It is the same for every seed, so it is drawn once."""
    return canvas.image(pictures.network(json.loads(layers), image), "png")


def _finished(run: Run) -> Result:
    result = run.result()
    assert result is not None  # only finished runs have pictures
    return result


def predictions(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The predicted class, the confidence and the label of every test image of a finished run."""
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
    """A row for each true class; with more than `MOST_SQUARE` classes a row for each cell that is not 0."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if len(classes) <= MOST_SQUARE:
        writer.writerow(["true \\ predicted", *classes])
        writer.writerows([name, *map(int, row)] for name, row in zip(classes, matrix, strict=True))
    else:
        writer.writerow(CELLS)
        writer.writerows([classes[i], classes[j], int(matrix[i, j])] for i, j in zip(*matrix.nonzero(), strict=True))
    files.write(path, text.getvalue().encode())
