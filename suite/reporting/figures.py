"""The report's pictures as files: SVG for the page, and PNG for programs that do not show SVG."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk import files
from suite.pictures import canvas
from suite.pictures import runs as pictures
from suite.pictures.cache import Kept
from suite.pictures.drawing import KINDS, Drawing, Images, draw_all, images_of
from suite.pictures.grid import grid
from suite.reporting import class_tables, drawn, inline, tables
from suite.reporting.drawn import Drawn
from suite.reporting.keys import Keys
from suite.tracking.groups import Group, data_titles

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture's file, its PNG if there is one, and its description."""

    path: Path
    png: Path
    caption: str
    drawn: Drawn | None = None
    """The same as our own chart, for the page; without one the page shows the PNG."""
    legend: str = ""
    """The names behind `class 3` in the PNG, where our font lacks their letters."""


Sheet = bytes | tuple[str, Drawing]
"""The picture of a network's inside: a PNG that was kept, or how to draw it, with the key under which it is kept."""
MOST_NAMED = 100  # classes of a legend


def legend(classes: Sequence[str]) -> str:
    """The names of the classes that a picture cannot write, each behind the words that it has instead."""
    found = [f"{word}: {name}" for word, name in zip(canvas.writable(classes), classes, strict=True) if word != name]
    more = [f"and {len(found) - MOST_NAMED:,} more, in the order of classes.csv"] if len(found) > MOST_NAMED else []
    return f"{'; '.join([*found[:MOST_NAMED], *more])}." if found else ""


class Album:
    """The pictures of a report, in a folder. A picture in `kept` is copied; `finish` draws the others, all at once."""

    def __init__(self, folder: Path, kept: Kept | None = None) -> None:
        self._folder, self._kept = folder, kept or Kept(None)
        self._missing: list[tuple[str, str, Drawing]] = []  # (name, key, drawing) of pictures that must be drawn

    def add(self, name: str, caption: str, draw: Callable[..., "Figure"], *numbers: Any) -> Picture:
        """Add the picture `draw(*numbers)` under this name; its file exists after `finish`."""
        return self.add_drawing(name, caption, self._kept.key(draw, numbers), Drawing(draw, numbers))

    def add_drawing(self, name: str, caption: str, key: str, drawing: Drawing) -> Picture:
        """Add a picture that is kept under this key; its files exist after `finish`."""
        if images := self._kept.find(key, drawing.kinds):
            self._write(name, images)
        else:
            self._missing.append((name, key, drawing))
        return self._picture(name, caption, drawing.kinds)

    def add_figure(self, name: str, caption: str, figure: "Figure") -> Picture:
        """Add a figure that is always drawn again."""
        self._write(name, images_of(figure))
        return self._picture(name, caption)

    def add_image(self, name: str, caption: str, image: bytes) -> Picture:
        """Add a PNG that was drawn before."""
        self._write(name, {"png": image})
        return self._picture(name, caption, ["png"])

    def finish(self) -> None:
        """Draw the missing pictures, and keep copies of them."""
        for index, images in draw_all([drawing for _, _, drawing in self._missing]):
            name, key, drawing = self._missing[index]
            self._write(name, images or images_of(canvas.notice("This picture could not be drawn."), drawing.kinds))
            if images:
                self._kept.keep(key, images)
        self._missing.clear()

    def _write(self, name: str, images: Images) -> None:
        files.make_folder(self._folder)
        for kind, image in images.items():
            files.write(self._folder / f"{name}.{kind}", image)

    def _picture(self, name: str, caption: str, kinds: Sequence[str] = KINDS) -> Picture:
        return Picture(self._folder / f"{name}.{kinds[0]}", self._folder / f"{name}.png", caption)


def add_pictures(
    groups: Sequence[Group], album: Album, sheets: Mapping[str, Sheet | str]
) -> Mapping[str, list[Picture]]:
    """Add the pictures of the groups; returns them by the group's slug, and those of all groups under `""`.

    `sheets` has the picture of a network's inside by slug, or the reason why there is none.
    """
    if not groups:
        return {"": []}
    unchanged = {one.experiment for one in groups if not one.changes}
    shown = {
        one.slug: _of_group(one, album, key, again=bool(one.changes) and one.experiment in unchanged)
        for key, one in enumerate(groups)
    }
    for one in groups:
        if found := sheets.get(one.slug):
            shown[one.slug].append(_inside(one, album, found))
    return {"": _overviews(groups, album), **shown}


def _inside(one: Group, album: Album, sheet: Sheet | str) -> Picture:
    says = f"{one.title}: the inside of the network, seed {one.runs[0]['seed']}."
    name = f"{one.slug}-inside"
    if isinstance(sheet, str):
        return album.add(name, says, canvas.notice, sheet)
    added = album.add_image(name, says, sheet) if isinstance(sheet, bytes) else album.add_drawing(name, says, *sheet)
    return replace(added, legend=legend(one.classes))


def _overviews(groups: Sequence[Group], album: Album) -> list[Picture]:
    titles = data_titles(groups)
    accuracy = [{**row, "data": titles[row["data"]]} for row in tables.accuracy(groups).rows]
    speed = tables.throughput(groups).rows
    of_accuracy = "Accuracy of every experiment with its intervals, data set by data set."
    of_speed = "Training and inference speed of every experiment."
    keys = Keys.of(groups)
    charts = drawn.accuracies(accuracy, keys.by_identity), drawn.speeds(speed, keys.by_identity)
    return [
        replace(album.add("accuracy", of_accuracy, pictures.overview, accuracy), drawn=charts[0]),
        replace(album.add("throughput", of_speed, pictures.speeds, speed), drawn=charts[1]),
    ]


def _of_group(one: Group, album: Album, key: int, *, again: bool) -> list[Picture]:
    """The pictures of one group. Layers and sample images are left out if they were added before (`again`)."""

    def add(name: str, says: str, chart: Drawn | None, draw: Callable[..., "Figure"], *numbers: Any) -> Picture:
        return replace(album.add(f"{one.slug}-{name}", f"{one.title}: {says}", draw, *numbers), drawn=chart)

    seeds = f"{len(one.runs)} seed" if len(one.runs) == 1 else f"{len(one.runs)} seeds"
    says = f"loss and accuracy by epoch, {seeds}."
    found = [add("curves", says, drawn.curves(one, key), pictures.curves, one.histories, one.published_history)]
    if any(one.probes):
        histories = [[{"probes": probes}] for probes in one.probes]
        images = min(int(one.parameter("probe_images")), int(one.runs[0]["test/images"]))
        says = "accuracy during training, as the source watches it."
        found.append(add("probes", says, drawn.probes(one, key, images), pictures.probes, histories, images))
    says = f"confusion on all test images, mean counts of {seeds}."
    shown = add("confusion", says, _matrix(one, says), pictures.confusion, one.confusion, one.classes)
    found.append(replace(shown, legend=legend(one.classes)))
    if again:
        return found
    layers = Drawn([inline.boxes(one.layers, _image(one))])
    found.insert(0, add("network", "the layers.", layers, pictures.network, _shaped(one), _image(one)))
    if one.samples:
        seed = one.runs[0]["seed"]
        says = f"{one.title}: predicted and true labels of test images, seed {seed}."
        image = album.add_image(f"{one.slug}-samples", says, one.samples)
        found.append(replace(image, legend=legend(one.classes)))
    return found


def _matrix(one: Group, says: str) -> Drawn:
    named = f"{one.title}: {says}"
    if len(one.classes) <= inline.MOST:
        return Drawn([inline.matrix(one.confusion, one.classes, named)])
    return Drawn([grid(one.confusion, one.classes, named)], class_tables.largest(one))


def _image(one: Group) -> list[str]:
    """The channels, height and width of an image, as the record has them."""
    return str(one.runs[0].get("image", "1×28×28")).split("×")


def _shaped(one: Group) -> list[dict[str, object]]:
    return [{**layer, "shape": layer["shape"].split("×") if layer["shape"] else None} for layer in one.layers]
