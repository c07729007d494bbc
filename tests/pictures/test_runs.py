"""Every picture can be drawn as PNG and SVG, from ordinary numbers and from those at the edge, and always alike."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from suite.data.catalog import CATALOG
from suite.pictures import canvas
from suite.pictures import runs as pictures
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

CLASSES = CATALOG["fashion-mnist"].classes
DRAW = np.random.default_rng(1)
LAYERS = [
    {"kind": "Conv2d(1, 6)", "shape": [6, 24, 24], "parameters": 156},
    {"kind": "Flatten", "shape": [3456], "parameters": 0},
    {"kind": "Linear", "shape": [10], "parameters": 34_570},
]
ROW = {
    "experiment": "lenet", "data": "MNIST", "test accuracy": 0.87, "images_low": 0.863, "images_high": 0.877,
    "seeds_low": 0.86, "seeds_high": 0.88, "published_value": 0.8677, "train_images_per_second_mean": 9_000.0,
    "inference_images_per_second_mean": 30_000.0,
}  # fmt: skip
ALONE = {**ROW, "experiment": "cnn", "seeds_low": None, "seeds_high": None, "published_value": None}


def history(epochs, *, val=True):
    return [
        {
            "epoch": epoch, "train_loss": 1 / (epoch + 1), "train_accuracy": 1 - 0.5 / (epoch + 1),
            "val_loss": 1.1 / (epoch + 1) if val else None, "val_accuracy": 1 - 0.6 / (epoch + 1) if val else None,
            "probes": [{"step": 50 * (epoch + 1), "test_accuracy": 0.5}],
        }
        for epoch in range(epochs)
    ]  # fmt: skip


def samples(images, *, mistakes):
    labels = np.arange(images) % 10
    predicted = (labels + (np.arange(images) < mistakes)) % 10
    pixels = np.zeros((images, 1, 28, 28), np.uint8)
    return pictures.samples(pixels, labels, predicted, np.linspace(0.2, 1, images), CLASSES)


CONFUSION = np.diag(np.arange(10) * 100.0) + 3
PUBLISHED = {0: (1.3, 0.5, 0.8, 0.7), 4: (0.5, 0.8, 0.5, 0.8)}
PICTURES = {
    "curves": lambda: pictures.curves([history(6), history(6)], PUBLISHED),
    "curves of one epoch": lambda: pictures.curves([history(1)]),
    "curves without validation": lambda: pictures.curves([history(3, val=False)], {}),
    "curves of one epoch without validation beside the published": (
        lambda: pictures.curves([history(1, val=False)], PUBLISHED)
    ),
    "probes": lambda: pictures.probes([history(6), history(6)], 3_000),
    "probes of one step": lambda: pictures.probes([history(1)], 3_000),
    "confusion": lambda: pictures.confusion(CONFUSION, CLASSES),
    "confusion of two digits": lambda: pictures.confusion(CONFUSION[:2, :2], "01"),
    "confusion with classes that no image has": (
        lambda: pictures.confusion(np.pad([[5.0, 1.0]], ((0, 2), (0, 1))), CLASSES[:3])
    ),
    "confusion of nothing": lambda: pictures.confusion(np.zeros((3, 3)), CLASSES[:3]),
    "confusion without a mistake": lambda: pictures.confusion(np.eye(3) * 1_000, CLASSES[:3]),
    "samples of fewer than 20 images": lambda: samples(7, mistakes=2),
    "samples of one image": lambda: samples(1, mistakes=1),
    "network": lambda: pictures.network(LAYERS),
    "network of one layer": lambda: pictures.network(LAYERS[:1]),
    "overview": lambda: pictures.overview([ROW, ALONE]),
    "overview of two data sets": lambda: pictures.overview([ROW, {**ALONE, "data": "Fashion-MNIST"}]),
    "overview of one that nobody published": lambda: pictures.overview([ALONE]),
    "overview without an error": lambda: pictures.overview([{**ROW, "test accuracy": 1.0, "images_high": 1.0}]),
    "speeds": lambda: pictures.speeds([ROW, ALONE]),
    "speeds of one": lambda: pictures.speeds([ROW]),
}


def saved(figure, kind):
    return canvas.image(figure, kind)


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_drawn_as_svg(name):
    drawing = saved(PICTURES[name](), "svg")

    assert ET.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    "name", ["curves", "probes", "confusion", "samples of fewer than 20 images", "network", "overview", "speeds"]
)
def test_every_kind_of_picture_is_drawn_as_png(name):
    image = saved(PICTURES[name](), "png")

    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert image.endswith(b"IEND\xaeB`\x82")
    assert b"Software" not in image


@pytest.mark.parametrize(
    ("name", "kind"),
    [("curves of one epoch", "svg"), ("confusion of nothing", "svg"), ("network", "svg"), ("probes", "png")],
)
def test_equal_numbers_give_equal_bytes(name, kind):
    first, second = (saved(PICTURES[name](), kind) for _ in range(2))

    assert first == second


def test_other_numbers_give_another_picture():
    assert saved(pictures.probes([history(6)], 100), "svg") != saved(pictures.probes([history(7)], 100), "svg")


def test_equal_numbers_give_equal_bytes_in_every_process():
    program = (
        "import sys; from tests.pictures.test_runs import PICTURES, saved\n"
        "sys.stdout.buffer.write(saved(PICTURES['overview'](), 'svg'))"
    )

    there = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True, check=True,
    ).stdout  # fmt: skip

    assert there == saved(PICTURES["overview"](), "svg")


def words(figure):
    root = ET.fromstring(saved(figure, "svg"))
    return ["".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_heat_map_names_the_classes_and_shows_every_count_that_is_not_zero():
    matrix = np.zeros((10, 10))
    matrix[0, 6], matrix[6, 0], matrix[9, 9] = 97, 57, 1_000
    found = words(pictures.confusion(matrix, CLASSES))

    assert all(found.count(name) == 2 for name in CLASSES)
    assert {"97", "57", "1000"} <= set(found)
    assert found.count("0") == 1  # on the colour bar alone


def test_the_samples_show_the_first_images_and_then_the_mistakes_made_with_the_highest_score():
    labels = np.zeros(40, int)
    predicted, confidence = labels.copy(), np.full(40, 0.5)
    predicted[30:33], confidence[30:33] = 6, (0.7, 0.9, 0.8)
    found = words(pictures.samples(np.zeros((40, 1, 28, 28), np.uint8), labels, predicted, confidence, CLASSES))
    mistakes = [text for text in found if text.startswith("Shirt")]

    assert found.count("T-shirt/top 0.50") == 20
    assert [text[:10] for text in mistakes] == ["Shirt 0.90", "Shirt 0.80", "Shirt 0.70"]


def test_no_more_than_20_mistakes_are_shown_and_none_where_there_is_none():
    many, none = samples(60, mistakes=50), samples(60, mistakes=0)

    assert [len(figure.axes[0].texts) for figure in (many, none)] == [20 + 20, 20]


def test_the_curves_name_what_the_source_published():
    found = words(pictures.curves([history(6)], PUBLISHED))

    assert {"training", "validation", "training, published", "validation, published"} <= set(found)


def test_the_network_shows_each_layer_with_its_parameters_and_shape():
    found = words(pictures.network(LAYERS))

    assert {"Conv2d", "6×24×24", "156", "Flatten", "3456", "Linear", "34,570"} <= set(found)


def test_a_network_picture_shows_what_has_a_shape_and_counts_the_rest():
    unknown = {"kind": "Linear(3, 3), not seen in a pass", "shape": None, "parameters": 12}
    called = {"kind": "ReLU, called 3 times", "shape": [8], "parameters": 0}
    figure = pictures.network([*LAYERS, called, unknown])
    texts = [text.get_text() for text in figure.axes[0].texts]

    assert "ReLU" in texts
    assert "Linear" in texts
    assert figure.axes[0].get_title("left").endswith("below; 1 more are in the table")

    many = pictures.network([called] * 2_000)
    assert many.get_figwidth() < 110
    assert many.axes[0].get_title("left").endswith("below; 1,900 more are in the table")
