"""The report's pictures as files: SVG for the page, PNG for wherever SVG is not shown."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite import files, pictures
from suite.data.catalog import CATALOG
from suite.report import tables
from suite.report.groups import Group

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture's file, the PNG beside it where it has one, and what it shows."""

    path: Path
    png: Path
    caption: str


def draw(groups: Sequence[Group], folder: Path) -> Mapping[str, list[Picture]]:
    """Draw everything into `folder`; returns the pictures of each group's slug, those of all under `""`."""
    if not groups:
        return {"": []}
    files.make_folder(folder)
    unchanged = {one.experiment for one in groups if not one.changes}
    shown = {
        one.slug: _of_group(one, folder, again=bool(one.changes) and one.experiment in unchanged) for one in groups
    }
    return {"": _overviews(groups, folder), **shown}


def _overviews(groups: Sequence[Group], folder: Path) -> list[Picture]:
    accuracy = [{**row, "data": CATALOG[row["data"]].title} for row in tables.accuracy(groups).rows]
    speed = tables.throughput(groups).rows
    of_accuracy = "Accuracy of every experiment with its intervals, data set by data set."
    of_speed = "Training and inference speed of every experiment."
    return [
        save_picture(pictures.overview(accuracy), folder / "accuracy", of_accuracy),
        save_picture(pictures.speeds(speed), folder / "throughput", of_speed),
    ]


def _of_group(one: Group, folder: Path, *, again: bool) -> list[Picture]:
    """What its numbers look like; the layers and sample images only once for an experiment, not `again`."""
    seeds = f"{len(one.runs)} seed" if len(one.runs) == 1 else f"{len(one.runs)} seeds"
    found = [
        save_picture(pictures.curves(one.histories, one.published_history), folder / f"{one.slug}-curves",
              f"{one.title}: loss and accuracy by epoch, {seeds}."),
        save_picture(pictures.confusion(one.confusion, one.classes), folder / f"{one.slug}-confusion",
              f"{one.title}: confusion on all test images, mean counts of {seeds}."),
    ]  # fmt: skip
    if any(one.probes):
        histories = [[{"probes": probes}] for probes in one.probes]
        images = min(int(one.parameter("probe_images")), int(one.runs[0]["test/images"]))
        caption = f"{one.title}: accuracy during training, as the source watches it."
        found.insert(1, save_picture(pictures.probes(histories, images), folder / f"{one.slug}-probes", caption))
    if again:
        return found
    layers = save_picture(pictures.network(_counted(one)), folder / f"{one.slug}-network", f"{one.title}: the layers.")
    if one.samples:
        path = folder / f"{one.slug}-samples.png"
        files.write(path, one.samples)
        seed = one.runs[0]["seed"]
        found.append(Picture(path, path, f"{one.title}: predicted and true labels of test images, seed {seed}."))
    return [layers, *found]


def _counted(one: Group) -> list[dict[str, object]]:
    return [
        {**layer, "shape": layer["shape"].split("×"), "parameters": int(layer["parameters"])} for layer in one.layers
    ]


def save_picture(figure: "Figure", stem: Path, caption: str) -> Picture:
    """Write a figure as SVG and PNG beside each other."""
    for kind in ("svg", "png"):
        image = io.BytesIO()
        pictures.save(figure, image, kind)
        files.write(stem.with_suffix(f".{kind}"), image.getvalue())
    return Picture(stem.with_suffix(".svg"), stem.with_suffix(".png"), caption)
