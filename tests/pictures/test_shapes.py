"""Pictures of images in colour, of other sizes, and of matrices of many classes."""

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from suite.pictures import runs as pictures
from suite.pictures.comparisons import hard_images
from suite.pictures.sheet import lay_out
from tests.pictures.test_comparisons import hard
from tests.pictures.test_runs import saved, words
from tests.synthetic import COLOUR, names


@pytest.mark.parametrize(
    ("classes", "counted", "named"), [(10, 1, 1), (25, 1, 1), (26, 0, 1), (60, 0, 1), (61, 0, 0)]
)  # fmt: skip
def test_a_matrix_has_counts_and_names_as_long_as_they_can_be_read(classes, counted, named):
    axes = pictures.confusion(np.full((classes, classes), 7.0), names(classes)).axes[0]

    assert [text.get_text() for text in axes.texts] == ["7"] * (classes**2 if counted else 0)
    for axis in (axes.xaxis, axes.yaxis):
        assert ("kind 3" in [label.get_text() for label in axis.get_ticklabels()]) == named


def test_a_matrix_of_1000_classes_is_a_small_file():
    matrix = np.random.default_rng(0).integers(0, 3, (1_000, 1_000)) + np.diag(np.full(1_000, 40.0))

    figure = pictures.confusion(matrix, names(1_000))

    assert len(saved(figure, "svg")) < 500_000
    assert figure.axes[0].get_xlim() == (-0.5, 999.5)


def test_a_confusion_of_many_classes_is_in_its_place_and_seen():
    matrix = np.zeros((601, 601))
    matrix[600, 7] = 5

    [image] = pictures.confusion(matrix, names(601)).axes[0].images

    assert np.argwhere(np.asarray(image.get_array())).tolist() == [[200, 2]]  # three by three classes in a cell
    assert image.get_array().max() == 1


@pytest.mark.slow
def test_photographs_in_colour_keep_more_colours_than_charts_do():
    draw = np.random.default_rng(0)
    smooth = np.kron(draw.integers(0, 256, (40, 3, 4, 4)), np.ones((8, 8))) + draw.integers(-9, 10, (40, 3, 32, 32))
    labels = np.arange(40) % 10

    def colours(images):
        figure = pictures.samples(images, labels, labels, np.ones(40), names(10))
        with Image.open(io.BytesIO(saved(figure, "png"))) as picture:
            return len(picture.convert("RGB").getcolors())

    photographs = smooth.clip(0, 255).astype(np.uint8)

    assert colours(photographs[:, :1]) <= 64
    assert 200 < colours(photographs) <= 256


def test_a_long_name_of_a_layer_stays_inside_its_box():
    kinds = ("Conv2d", "AdaptiveAvgPool2d", "AdaptiveLogSoftmaxWithLoss")
    figure = pictures.network([{"kind": kind, "shape": [8], "parameters": 0} for kind in kinds])
    saved(figure, "svg")
    axes, drawer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
    low, high = axes.transData.transform([(0, 0), (0, 1)])[:, 1]  # every box is as high as this

    for kind in kinds:
        (text,) = (one for one in axes.texts if one.get_text() == kind)
        extent = text.get_window_extent(drawer)
        assert low <= extent.y0 <= extent.y1 <= high, kind


def test_a_long_name_of_a_class_is_cut():
    long = "a name of a class that is far too long for an axis"

    found = words(pictures.confusion(np.eye(2), [long, "b"]))

    assert long not in found
    assert f"{long[:23]}…" in found


@pytest.mark.parametrize(("shape", "edge"), [(COLOUR, (3,)), ((1, 28, 28), ()), ((1, 9, 40), ()), ((4, 30, 30), ())])
def test_every_image_is_on_the_sheet_once_as_it_is(shape, edge):
    images = np.random.default_rng(0).integers(1, 255, (23, *shape)).astype(np.uint8)
    channels, height, width = shape

    sheet = lay_out(images, 10, cell=44, above=14)

    assert sheet.pixels.shape[2:] == edge
    for (x, y), image in zip(sheet.places, images, strict=True):
        left, above = round(x - width / 2), int(y)
        column = sheet.pixels[above : above + height + 10, left : left + width]
        shown = image.transpose(1, 2, 0) if channels == 3 else image[0]
        tops = [top for top in range(10) if np.array_equal(column[top : top + height], shown)]
        assert len(tops) == 1
    blank = 255 if edge else 0
    assert (sheet.pixels != blank).any(axis=-1).sum() if edge else (sheet.pixels != blank).sum() == 23 * height * width


def test_samples_and_hard_images_are_drawn_in_colour():
    images = np.random.default_rng(0).integers(0, 255, (12, *COLOUR)).astype(np.uint8)
    labels = np.arange(12) % 3

    sheets = [
        pictures.samples(images, labels, (labels + 1) % 3, np.full(12, 0.5), names(3)).axes[0].images[0],
        hard_images(images, hard(12), names(12)).axes[0].images[0],
    ]

    for sheet in sheets:
        assert sheet.get_array().shape[2] == 3
        assert {tuple(pixel) for pixel in images[0].transpose(1, 2, 0).reshape(-1, 3)} <= {
            tuple(pixel) for pixel in np.asarray(sheet.get_array()).reshape(-1, 3)
        }


def test_the_layers_begin_with_the_image():
    found = words(pictures.network([{"kind": "Flatten", "shape": [960], "parameters": 0}], COLOUR))

    assert "3×16×20" in found
