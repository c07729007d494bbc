"""The pictures of a network's inside: filters, activations, mistakes, embeddings."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.inspecting.seen import Activation, Chosen, Embedding, Floats, Inside, Weights
from suite.pictures.canvas import new_figure, writable
from suite.pictures.mosaic import Mosaic, coloured, photograph, scaled, signed
from suite.pictures.sheet import brief

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The colours of Okabe and Ito, which people with any colour vision tell apart, and two greys; each with its own mark.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#B8A800", "#000000", "#8C564B", "#7F7F7F")
MARKS = "os^vDPX*<>"
DPI = 100  # pixels of a mosaic in an inch


def readable(seen: Inside) -> Inside:
    """The same with names that the pictures can write: `class 3` instead of letters that their font lacks."""
    names = dict(zip(seen.classes, writable(seen.classes), strict=True))
    chosen, *wrong = (
        replace(one, label=names[one.label], predicted=names[one.predicted]) for one in (seen.chosen, *seen.wrong)
    )
    return replace(seen, classes=tuple(names[one] for one in seen.classes), chosen=chosen, wrong=wrong)


def filters(seen: Inside) -> "Figure":
    """The weights of the first layer: as images, or as a matrix where no image can be made of them."""
    assert seen.weights is not None
    one = seen.weights
    mosaic = Mosaic(columns=10 if one.templates else 16, cell=68 if one.templates else 56)
    _add_weights(mosaic, one, seen.classes)
    return _whole(mosaic, _filters_title(one, seen.run))


def activations(seen: Inside) -> "Figure":
    """What each layer makes of the chosen image, in the order of the calls."""
    mosaic = Mosaic(columns=16, cell=56)
    mosaic.add([photograph(seen.chosen.pixels)], _told(seen.chosen))
    for one in seen.activations:
        _add_activation(mosaic, one)
    left_out = seen.calls - len(seen.activations)
    more = f"; {left_out:,} more calls are not drawn" if left_out else ""
    return _whole(mosaic, f"{seen.run}: test image {seen.chosen.image} layer by layer{more}")


def mistakes(seen: Inside) -> "Figure":
    """The test images that are wrong with the highest probability: true class → predicted class, probability."""
    mosaic = Mosaic(columns=5, cell=112)
    names = [f"{brief(one.label)} →\n{brief(one.predicted)} {one.probability:.3f}" for one in seen.wrong]
    mosaic.add([photograph(one.pixels) for one in seen.wrong], names=names)
    return _whole(mosaic, f"{seen.run}: most surely wrong of {seen.mistakes:,} mistakes (true → predicted)")


def components(seen: Inside) -> "Figure":
    """The first two principal components, with their shares of the variance."""
    assert seen.embedding is not None
    figure, (axes,) = new_figure(7.6, 5.8)
    _scatter(axes, seen.embedding, seen.embedding.pca, seen.classes)
    for which, share in zip("xy", seen.embedding.explained, strict=True):
        number = "first" if which == "x" else "second"
        axes.set(**{f"{which}label": f"{number} component, {100 * share:.1f} % of the variance"})
    axes.set_title(f"{seen.run}: PCA of {_of_what(seen.embedding)}", fontsize=9, parse_math=False)
    return figure


def neighbours(seen: Inside) -> "Figure":
    """The t-SNE: images with like features lie together; the axes have no meaning."""
    assert seen.embedding is not None
    assert seen.embedding.tsne is not None
    figure, (axes,) = new_figure(7.6, 5.8)
    _scatter(axes, seen.embedding, seen.embedding.tsne, seen.classes)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(f"{seen.run}: t-SNE of {_of_what(seen.embedding)}", fontsize=9, parse_math=False)
    return figure


def _whole(mosaic: Mosaic, title: str) -> "Figure":
    figure, (axes,) = new_figure(mosaic.width / DPI + 0.4, mosaic.height / DPI + 0.5)
    mosaic.draw(axes)
    axes.set_title(title, loc="left", fontsize=9, parse_math=False)
    return figure


def _filters_title(one: Weights, run: str) -> str:
    shown = f"the first {len(one.values)} of {one.count:,}" if len(one.values) < one.count else f"all {one.count}"
    if one.values.ndim == 2:
        return f"{run}: weights of {one.layer}, {shown} outputs by row, inputs by column (blue −, red +)"
    what = "templates" if one.templates else "filters"
    channels = one.values.shape[1]
    of = ", mean over channels" if channels not in (1, 3) else ""
    scale = "grey is 0" if channels == 3 else "blue −, white 0, red +"
    return f"{run}: {shown} {what} of {one.layer}{of} ({scale})"


def _add_weights(mosaic: Mosaic, one: Weights, classes: Sequence[str], words: str = "") -> None:
    limit = float(np.abs(one.values).max())
    if one.values.ndim == 2:
        mosaic.add_strip(signed(one.values, limit), words)
        return
    if one.values.shape[1] == 3:
        images = [coloured(values, limit) for values in one.values]
    else:
        plain = one.values.mean(axis=1)
        limit = float(np.abs(plain).max())
        images = [signed(values, limit) for values in plain]
    names = [brief(name) for name in classes[: len(images)]] if one.templates and one.count == len(classes) else []
    mosaic.add(images, words, names)


def _add_activation(mosaic: Mosaic, one: Activation, most: int = 16) -> None:
    values = one.values
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    shape = "×".join(map(str, one.shape)) or "one number"
    if values.ndim == 3:
        shown = values[:most]
        kept = f", the first {len(shown)} maps" if len(shown) < one.shape[0] else ""
        mosaic.add([scaled(each, low, high) for each in shown], f"{one.layer}: {shape}{kept}")
        return
    matrix = np.atleast_2d(values)
    kept = f", the first {values.size:,} values" if values.size < np.prod(one.shape) else ""
    mosaic.add_strip(scaled(matrix, low, high), f"{one.layer}: {shape}{kept}")


def _told(one: Chosen) -> str:
    right = "right" if one.label == one.predicted else f"wrong, it is {brief(one.label)}"
    return f"the image: predicted {brief(one.predicted)} with {one.probability:.3f}, {right}"


def _of_what(one: Embedding) -> str:
    features = f"the {one.features:,} pixels" if one.pixels else f"the {one.features:,} features before {one.layer}"
    none = " (no hidden layer)" if one.pixels else ""
    return f"{features}{none}, {len(one.labels):,} test images"


def _scatter(axes: "Axes", one: Embedding, places: Floats, classes: Sequence[str], *, small: bool = False) -> None:
    """Each image as a mark in its class's colour, and the class's name in the middle of its images.

    Of many classes the most frequent have colours, and all others are grey.
    """
    size = 8 if small else 18
    named = _frequent(one.labels)
    others = ~np.isin(one.labels, named)
    if others.any():
        axes.scatter(
            places[others, 0],
            places[others, 1],
            s=size / 2,
            c="#d1d5db",
            marker="o",
            linewidths=0,
            label="other classes",
        )
    for place, number in enumerate(named):
        own = places[one.labels == number]
        axes.scatter(own[:, 0], own[:, 1], s=size, c=COLOURS[place], marker=MARKS[place], linewidths=0, alpha=0.8,
                     label=_plain(brief(classes[number])))  # fmt: skip
    for place, number in enumerate(named) if not small else ():
        middle = np.median(places[one.labels == number], axis=0)
        frame = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": COLOURS[place], "alpha": 0.85, "lw": 0.6}
        axes.annotate(brief(classes[number]), tuple(middle), ha="center", va="center", fontsize=8, fontweight="bold",
                      color=COLOURS[place], parse_math=False, bbox=frame)  # fmt: skip
    axes.legend(frameon=False, fontsize=6 if small else 8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _frequent(labels: NDArray[np.integer]) -> list[int]:
    """The classes that get a colour: all of them, or the most frequent ones, by their number."""
    counts = np.bincount(labels)
    return sorted(np.argsort(-counts, kind="stable")[: min(len(COLOURS), int((counts > 0).sum()))].tolist())


def _plain(name: str) -> str:
    """A name as matplotlib's legend shows it: no mathematics, and no leading underscore, which hides an entry."""
    return name.replace("$", r"\$").lstrip("_") or "–"


def sheet(seen: Inside) -> "Figure":
    """A small picture of the most of it, for a report: filters, four layers' activations, and the PCA."""
    seen = readable(seen)
    mosaic = Mosaic(columns=8, cell=40)
    if seen.weights is not None:
        first = replace(seen.weights, values=seen.weights.values[:8])
        _add_weights(mosaic, first, (), f"weights of {first.layer}")
    if seen.activations:
        mosaic.add([photograph(seen.chosen.pixels)], f"test image {seen.chosen.image}")
    last = len(seen.activations) - 1
    for place in sorted({last * part // 3 for part in range(4)}) if seen.activations else ():
        _add_activation(mosaic, seen.activations[place], most=8)
    figure, (left, right) = new_figure(8.4, max(mosaic.height / DPI + 0.3, 2.8), columns=2)
    mosaic.draw(left, size=6.5) if mosaic.height else left.axis("off")
    if seen.embedding is None:
        right.axis("off")
        return figure
    _scatter(right, seen.embedding, seen.embedding.pca, seen.classes, small=True)
    shares = " and ".join(f"{100 * share:.0f} %" for share in seen.embedding.explained)
    right.set(xticks=[], yticks=[])
    right.set_title(f"PCA of {_of_what(seen.embedding)}", fontsize=7, parse_math=False)
    right.set_xlabel(f"two components, with {shares} of the variance", fontsize=7)
    return figure
