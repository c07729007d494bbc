"""The pictures of comparisons: differences, accuracy over time, calibration, hardest images. It writes no files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.pictures.canvas import BLUE, GREEN, GREY, ORANGE, RED, logarithmic, new_figure, writable
from suite.pictures.sheet import brief, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from suite.analysis.calibration import Calibration
    from suite.analysis.comparison import Comparison
    from suite.analysis.hardest import Hard

COLOURS = (BLUE, ORANGE, GREEN, RED, "#7c3aed", "#0f766e", "#be185d", GREY)
COLUMNS = 10  # images per row


def differences(found: Sequence["Comparison"]) -> "Figure":
    """Every difference with its interval, in percentage points; grey if no difference is shown, green if equivalent."""
    figure, (axes,) = new_figure(8.4, 0.42 * len(found) + 1.1)
    upwards = list(reversed(found))
    for place, one in enumerate(upwards):
        colour = GREEN if one.verdict == "equivalent" else BLUE if one.shown else GREY
        axes.hlines(place, 100 * one.found.interval.low, 100 * one.found.interval.high, color=colour, lw=2)
        axes.plot(100 * one.found.mean, place, "o", color=colour, ms=5)
    axes.axvline(0, color=RED, lw=1)
    axes.set_yticks(range(len(found)), [_short(f"{one.one} − {one.other}") for one in upwards], parse_math=False)
    axes.set(title="Difference in accuracy, with its 95 % interval", xlabel="points", ylim=(-0.6, len(found) - 0.4))
    return figure


def over_time(curves: Mapping[str, Sequence[Sequence[tuple[float, float]]]], target: float) -> "Figure":
    """Test accuracy over seconds of training, one line per seed, one colour per experiment, and the target."""
    figure, (axes,) = new_figure(8.4, 3.6)
    for number, (title, seeds) in enumerate(curves.items()):
        for points in seeds:
            axes.plot(*zip(*points, strict=True), color=COLOURS[number % len(COLOURS)], lw=1.2, alpha=0.8, marker="o",
                      ms=3, label=_short(title) if points is seeds[0] else None)  # fmt: skip
    axes.axhline(target, color=GREY, lw=1, ls="--")
    logarithmic(axes)
    axes.set(title="Test accuracy over the time of training", xlabel="seconds of training", ylabel="accuracy")
    _legend(axes, "lower right")
    return figure


def reliability(found: Mapping[str, "Calibration"]) -> "Figure":
    """Accuracy by confidence, one curve per experiment; a perfectly calibrated one lies on the diagonal."""
    figure, (axes,) = new_figure(5.6, 4.6)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    for number, (title, one) in enumerate(found.items()):
        colour, label = COLOURS[number % len(COLOURS)], f"{_short(title)}, ECE {one.ece:.3f}"
        sure, right = [each.confidence for each in one.bins], [each.accuracy for each in one.bins]
        axes.plot(sure, right, marker="o", ms=3, color=colour, lw=1.2, label=label)
    axes.set(title="Calibration on the test images", xlabel="confidence", ylabel="share right", xlim=(0, 1))
    _legend(axes, "upper left")
    return figure


def hard_images(images: NDArray[np.uint8], found: Sequence["Hard"], classes: Sequence[str]) -> "Figure":
    """The hardest images, uint8 (h, channels, height, width), in the order of `found`.

    Each has its label and its most frequent wrong class.
    """
    sheet = lay_out(images[: len(found)], COLUMNS, cell=46, above=17)  # a cell holds the image and three lines of text
    names = [brief(name) for name in writable(classes)]
    figure, (axes,) = new_figure(10.5, 1.1 * -(-len(found) // COLUMNS) + 0.4)
    for (x, y), one in zip(sheet.places, found, strict=True):
        label, taken_for = names[one.label], names[one.taken_for]
        axes.text(x, y, f"#{one.image}\n{label}, taken\nfor {taken_for}", fontsize=5.8, ha="center", va="bottom",
                  linespacing=1.05, in_layout=False, parse_math=False)  # fmt: skip
    axes.imshow(sheet.pixels, cmap="gray_r", vmin=0, vmax=255)
    axes.axis("off")
    axes.set_title("The test images that most experiments get wrong", loc="left", fontsize=9)
    return figure


def _legend(axes: "Axes", place: str) -> None:
    """Draw the legend with names as plain text: matplotlib reads `$` as TeX, and `$\\frac$` would raise an error."""
    for text in axes.legend(frameon=False, fontsize=8, loc=place).get_texts():
        text.set_parse_math(False)


def _short(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:59]}…"
