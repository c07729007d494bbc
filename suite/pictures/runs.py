"""The pictures of runs: curves, confusion, samples, layers, overview, speeds. It writes no files."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.pictures.canvas import BLUE, GREEN, GREY, ORANGE, RED, logarithmic, new_figure, writable
from suite.pictures.sheet import brief, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from suite.analysis.confusion import Matrix

Record = Mapping[str, Any]
MOST_COUNTED, MOST_NAMED, LONGEST = 25, 60, 24  # classes with counts, with names; letters of a name
MOST_CELLS = 250  # of a heat map, in a row
MOST_BOXES = 100  # layers in one picture; matplotlib refuses an image that is much wider


def curves(histories: Sequence[Sequence[Record]], published: Mapping[int, Sequence[float]] | None = None) -> "Figure":
    """Loss and accuracy by epoch, one thin line per seed, with the figures that the source published."""
    from matplotlib.ticker import MaxNLocator

    figure, (left, right) = new_figure(8.4, 3.2, columns=2)
    for axes, name, places in ((left, "loss", (0, 2)), (right, "accuracy", (1, 3))):
        for kind, colour, place in (("train", BLUE, places[0]), ("val", ORANGE, places[1])):
            label = {"train": "training", "val": "validation"}[kind]
            for number, history in enumerate(histories):
                points = [(line["epoch"], line[f"{kind}_{name}"]) for line in history]
                points = [(epoch, value) for epoch, value in points if value is not None]
                if points:
                    marker = "o" if len(points) < 4 else ""
                    axes.plot(*zip(*points, strict=True), color=colour, lw=1.2, alpha=0.8, marker=marker, ms=4,
                              label=label if number == 0 else None)  # fmt: skip
            if published:
                values = [row[place] for row in published.values()]
                axes.plot(list(published), values, "x", color=colour, ms=6, mew=1.6, label=f"{label}, published")
        axes.set(title=name.capitalize(), xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if max(map(len, histories)) == 1:
            axes.set_xticks([0])
        axes.legend(frameon=False, fontsize=8)
    return figure


def probes(histories: Sequence[Sequence[Record]], images: int) -> "Figure":
    """Accuracy on the first `images` test images during training, as the source measures it."""
    figure, (axes,) = new_figure(8.4, 2.8)
    for history in histories:
        points = [probe for line in history for probe in line["probes"]]
        axes.plot([p["step"] for p in points], [p["test_accuracy"] for p in points], color=GREEN, lw=1.2, alpha=0.8)
    axes.set(title=f"Accuracy on the first {images:,} test images during training", xlabel="step", ylabel="accuracy")
    return figure


def confusion(matrix: "Matrix", classes: Sequence[str]) -> "Figure":
    """The matrix as a heat map with its counts; the colour is the share of the true class, as a square root.

    The square root makes rare confusions visible. With more than `MOST_COUNTED` classes there are no counts; with more
    than `MOST_NAMED` the classes have numbers, from 0, instead of names; with more than `MOST_CELLS` a cell is the
    largest share of several.
    """
    room = min(max(len(classes) - 10, 0) * 0.42, 6.0)  # inches, beyond the size for ten classes
    figure, (axes,) = new_figure(6.6 + room, 5.8 + room)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cells, step = pooled(share)
    whole: dict[str, Any] = {}
    if step > 1:
        whole = {"extent": (-0.5, len(share) - 0.5, len(share) - 0.5, -0.5), "interpolation": "nearest"}
    image = axes.imshow(np.sqrt(cells), cmap="Blues", vmin=0, vmax=1, **whole)
    axes.grid(visible=False)
    of_many = f"; each cell is the largest share of {step} × {step} classes" if step > 1 else ""
    axes.set(title=f"True class by row, predicted class by column{of_many}", xlabel="predicted", ylabel="true")
    if len(classes) <= MOST_NAMED:
        names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in writable(classes)]
        small: dict[str, Any] = {"fontsize": 7} if len(classes) > MOST_COUNTED else {}
        axes.set_xticks(range(len(classes)), names, rotation=45 if max(map(len, classes)) > 2 else 0, ha="right",
                        parse_math=False, **small)  # fmt: skip
        axes.set_yticks(range(len(classes)), names, parse_math=False, **small)
    for (row, column), count in np.ndenumerate(matrix) if len(classes) <= MOST_COUNTED else ():
        if count:
            colour = "white" if share[row, column] > 0.35 else "#1f2937"
            axes.text(column, row, f"{count:.1f}".removesuffix(".0"), ha="center", va="center", fontsize=7.5,
                      color=colour, in_layout=False)  # fmt: skip
    bar = figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    bar.set_ticks([0, 0.1**0.5, 0.25**0.5, 0.5**0.5, 1], labels=["0", "0.1", "0.25", "0.5", "1"])
    return figure


def pooled(share: "Matrix") -> "tuple[Matrix, int]":
    """At most `MOST_CELLS` rows and columns, each the largest of `step` ones; a larger picture is a larger file."""
    step = -(-len(share) // MOST_CELLS)
    starts = np.arange(0, len(share), step)
    rows = np.maximum.reduceat(share, starts, axis=0) if step > 1 else share
    return (np.maximum.reduceat(rows, starts, axis=1) if step > 1 else share), step


def samples(
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    classes: Sequence[str],
) -> "Figure":
    """The first 20 test images, then the 20 mistakes with the highest confidence; mistakes in red.

    `images` are uint8 (n, channels, height, width).
    """
    wrong = np.flatnonzero(labels != predicted)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:20]
    chosen, names = [*range(min(20, len(labels))), *surest], [brief(name) for name in writable(classes)]
    sheet = lay_out(images[chosen], 10, cell=44, above=14)  # a cell holds the image and two lines of text
    figure, (axes,) = new_figure(10.5, 1.05 * -(-len(chosen) // 10) + 0.4)
    for (x, y), index in zip(sheet.places, chosen, strict=True):
        right = labels[index] == predicted[index]
        text = f"{names[predicted[index]]} {confidence[index]:.2f}"
        axes.text(x, y, text if right else f"{text}\nis {names[labels[index]]}", fontsize=6.5,
                  color=GREEN if right else RED, ha="center", va="bottom", linespacing=1.05,
                  in_layout=False, parse_math=False)  # fmt: skip
    axes.imshow(sheet.pixels, cmap="gray_r", vmin=0, vmax=255)
    axes.axis("off")
    axes.set_title("The first test images, then the mistakes made with the highest score", loc="left", fontsize=9)
    return figure


def network(layers: Sequence[Record], image: Sequence[int | str] = (1, 28, 28)) -> "Figure":
    """The layers as boxes, in the order of execution; layers with parameters are coloured.

    `image` is (channels, height, width) of an image. Layers whose output shape is not known, and those after the first
    `MOST_BOXES`, are only counted.
    """
    drawn = [layer for layer in layers if layer["shape"] is not None][:MOST_BOXES]
    figure, (axes,) = new_figure(max(6.0, 0.95 * (len(drawn) + 1)), 2.7)
    axes.axis("off")
    steps = [{"kind": "image", "shape": image, "parameters": 0}, *drawn]
    for place, layer in enumerate(steps):
        kind = re.split(r"[(,]", str(layer["kind"]))[0]
        colour = BLUE if layer["parameters"] else "#9ca3af"
        axes.bar(place, 1, width=0.72, color=colour, alpha=0.9 if layer["parameters"] else 0.45)
        ink = "white" if layer["parameters"] else "#1f2937"
        axes.text(place, 0.5, kind, rotation=90, ha="center", va="center", color=ink, fontweight="bold",
                  fontsize=min(9, 135 / len(kind)))  # fmt: skip
        axes.text(place, -0.06, "×".join(map(str, layer["shape"])), ha="center", va="top", fontsize=8)
        if layer["parameters"]:
            axes.text(place, 1.05, f"{layer['parameters']:,}", ha="center", va="bottom", fontsize=8, color=BLUE)
        if place:
            axes.annotate("", (place - 0.36, 0.5), (place - 0.64, 0.5), arrowprops={"arrowstyle": "->", "color": GREY})
    axes.set(xlim=(-0.6, len(steps) - 0.4), ylim=(-0.3, 1.25))
    left_out = f"; {len(layers) - len(drawn):,} more are in the table" if len(drawn) < len(layers) else ""
    axes.set_title(f"Layers, with parameters above and output shapes below{left_out}", loc="left")
    return figure


def _name(row: Record) -> str:
    """An experiment's name as a label of at most 60 letters."""
    words = str(row["experiment"])
    return words if len(words) <= 60 else f"{words[:59]}…"


def overview(rows: Sequence[Record]) -> "Figure":
    """Each experiment's test accuracy with its intervals and the published figure; one panel per data set."""
    by_data: dict[str, list[Record]] = {}
    for row in rows:
        by_data.setdefault(row["data"], []).append(row)
    heights = [len(found) + 0.2 for found in by_data.values()]
    figure, found = new_figure(8.4, 0.36 * sum(heights) + 0.8 * len(heights) + 0.4, rows=len(by_data), heights=heights)
    for axes, (data, of_data) in zip(found, by_data.items(), strict=True):
        _accuracies(axes, of_data[::-1])
        axes.set_title(f"Accuracy on all test images of {data}", parse_math=False)
        axes.set_ylim(-0.6, len(of_data) - 0.4)
    handles = {label: handle for axes in found for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _accuracies(axes: "Axes", upwards: Sequence[Record]) -> None:
    places = range(len(upwards))
    axes.hlines(places, [row["images_low"] for row in upwards], [row["images_high"] for row in upwards],
                color=BLUE, lw=7, alpha=0.25, label="95 % over test images")  # fmt: skip
    if seeds := [(place, row) for place, row in zip(places, upwards, strict=True) if row["seeds_low"] is not None]:
        axes.hlines([place for place, _ in seeds], [row["seeds_low"] for _, row in seeds],
                    [row["seeds_high"] for _, row in seeds], color=BLUE, lw=2, label="95 % over seeds")  # fmt: skip
    axes.plot([row["test accuracy"] for row in upwards], places, "o", color=BLUE, ms=5, ls="", label="ours, mean")
    printed = [(row["published_value"], place) for place, row in enumerate(upwards) if row["published_value"]]
    if printed:
        axes.plot(*zip(*printed, strict=True), "x", color=RED, ms=7, mew=1.8, ls="", label="published")
    axes.set_yticks(places, [_name(row) for row in upwards], parse_math=False)


def speeds(rows: Sequence[Record]) -> "Figure":
    """Images per second in training and in inference, on a logarithmic axis."""
    figure, (axes,) = new_figure(8.4, 0.5 * len(rows) + 1.1)
    places = np.arange(len(rows))
    for kind, colour in (("train", BLUE), ("inference", ORANGE)):
        values = [row[f"{kind}_images_per_second_mean"] for row in reversed(rows)]
        axes.plot(values, places, "o", ms=6, color=colour, label="training" if kind == "train" else kind)
        for place, value in zip(places, values, strict=True):
            axes.annotate(f"{value:,.0f}", (value, place), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    logarithmic(axes)
    axes.margins(x=0.12)
    axes.set_yticks(places, [_name(row) for row in reversed(rows)], parse_math=False)
    axes.set(title="Images per second, one thread per run", xlabel="images/s")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure
