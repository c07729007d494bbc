"""The report's pictures as files: SVG for the page, PNG for wherever SVG is not shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import files, pictures
from suite.data.catalog import CATALOG
from suite.report import tables
from suite.report.groups import Group
from suite.report.kept import Kept

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture's file, the PNG beside it where it has one, and what it shows."""

    path: Path
    png: Path
    caption: str


NOWHERE = Kept(None)


def draw(groups: Sequence[Group], folder: Path, kept: Kept = NOWHERE) -> Mapping[str, list[Picture]]:
    """Put every picture into `folder`, drawn or `kept`; returns those of each group's slug, those of all under `""`."""
    if not groups:
        return {"": []}
    files.make_folder(folder)
    unchanged = {one.experiment for one in groups if not one.changes}
    shown = {
        one.slug: _of_group(one, folder, kept, again=bool(one.changes) and one.experiment in unchanged)
        for one in groups
    }
    return {"": _overviews(groups, folder, kept), **shown}


def _overviews(groups: Sequence[Group], folder: Path, kept: Kept) -> list[Picture]:
    accuracy = [{**row, "data": CATALOG[row["data"]].title} for row in tables.accuracy(groups).rows]
    speed = tables.throughput(groups).rows
    of_accuracy = "Accuracy of every experiment with its intervals, data set by data set."
    of_speed = "Training and inference speed of every experiment."
    return [
        draw_picture(kept, folder / "accuracy", of_accuracy, pictures.overview, accuracy),
        draw_picture(kept, folder / "throughput", of_speed, pictures.speeds, speed),
    ]


def _of_group(one: Group, folder: Path, kept: Kept, *, again: bool) -> list[Picture]:
    """What its numbers look like; the layers and sample images only once for an experiment, not `again`."""
    seeds = f"{len(one.runs)} seed" if len(one.runs) == 1 else f"{len(one.runs)} seeds"
    found = [
        draw_picture(kept, folder / f"{one.slug}-curves", f"{one.title}: loss and accuracy by epoch, {seeds}.",
                 pictures.curves, one.histories, one.published_history),
        draw_picture(kept, folder / f"{one.slug}-confusion",
                 f"{one.title}: confusion on all test images, mean counts of {seeds}.",
                 pictures.confusion, one.confusion, one.classes),
    ]  # fmt: skip
    if any(one.probes):
        histories = [[{"probes": probes}] for probes in one.probes]
        images = min(int(one.parameter("probe_images")), int(one.runs[0]["test/images"]))
        caption = f"{one.title}: accuracy during training, as the source watches it."
        found.insert(1, draw_picture(kept, folder / f"{one.slug}-probes", caption, pictures.probes, histories, images))
    if again:
        return found
    caption = f"{one.title}: the layers."
    layers = draw_picture(kept, folder / f"{one.slug}-network", caption, pictures.network, _counted(one))
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


def draw_picture(kept: Kept, stem: Path, caption: str, draw: Callable[..., "Figure"], *numbers: Any) -> Picture:
    """Write `draw(*numbers)`, or what is kept of it, as SVG and PNG beside each other."""
    for kind, image in kept.images(draw, *numbers).items():
        files.write(stem.with_suffix(f".{kind}"), image)
    return Picture(stem.with_suffix(".svg"), stem.with_suffix(".png"), caption)


def save_picture(figure: "Figure", stem: Path, caption: str) -> Picture:
    """Write a figure as SVG and PNG beside each other."""
    return draw_picture(NOWHERE, stem, caption, lambda: figure)
