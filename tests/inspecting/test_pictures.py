"""The pictures: right colours, and nothing that cannot be drawn."""

import numpy as np
import pytest

from suite.inspecting import pictures
from suite.inspecting.seen import Activation, Chosen, Embedding, Graph, Inside, Node, Weights
from suite.inspecting.worker import surest_mistakes
from suite.pictures import canvas
from suite.pictures.mosaic import Mosaic, coloured, fitted, photograph, scaled, signed

RANDOM = np.random.default_rng(0)


def inside(classes=10, shape=(1, 8, 8), values=None):
    """The inside of a network that nobody trained."""
    names = tuple(f"$class_{number}" for number in range(classes))
    labels = np.arange(60) % classes
    places = RANDOM.normal(size=(60, 2))
    one = Chosen(3, np.zeros(shape, np.uint8), names[0], names[-1], 0.9)
    acts = [Activation("a", (4, 6, 6), RANDOM.normal(size=(4, 6, 6))), Activation("b", (3, 5), np.ones((3, 5))),
            Activation("c", (300,), np.zeros(256)), Activation("d", (1,), np.ones(1))]  # fmt: skip
    seen = Weights("0 Conv2d", RANDOM.normal(size=(6, shape[0], 3, 3)) if values is None else values, 6)
    return Inside(
        "x-s0", names, one, seen, acts, 9, [one] * 3, 3, 60,
        Embedding("1 Linear", 64, pixels=False, labels=labels, pca=places, explained=(0.5, 0.25), tsne=places),
        Graph([Node("image", shape, 0)], [], traced=True),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "shape", "values"),
    [(10, (1, 8, 8), None), (100, (3, 20, 30), None), (2, (5, 300, 3), None), (3, (1, 9, 9), np.zeros((6, 40)))],
)
def test_every_picture_can_be_drawn_whatever_the_images_and_classes(classes, shape, values):
    seen = inside(classes, shape, values)

    for draw in (pictures.filters, pictures.activations, pictures.mistakes, pictures.components, pictures.neighbours):
        assert canvas.image(draw(seen), "png").startswith(b"\x89PNG")


def test_the_surest_mistakes_are_those_that_brute_force_finds():
    predicted, labels = RANDOM.integers(0, 3, (2, 400))
    sure = RANDOM.random(400)

    found = surest_mistakes(predicted, sure, labels)

    wrong = [number for number in range(400) if predicted[number] != labels[number]]
    assert found.tolist() == sorted(wrong, key=lambda number: -sure[number])


def test_of_many_classes_the_most_frequent_have_colours_and_the_others_are_grey():
    seen = inside(100)

    [axes] = pictures.components(seen).axes[:1]

    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(names) == 11
    assert names[0] == "other classes"


def test_weights_are_blue_below_0_white_at_0_and_red_above():
    negative, zero, positive = signed(np.array([[-2.0, 0.0, 2.0]]))[0].astype(int)

    assert negative[2] > negative[0]
    assert positive[0] > positive[2]
    assert min(zero) > 240
    assert coloured(np.zeros((3, 1, 1)), 1.0).tolist() == [[[128] * 3]]


def test_values_are_scaled_between_the_ends_and_constant_ones_can_be_shown():
    low, high = scaled(np.array([[1.0, 3.0]]), 1.0, 3.0)[0].astype(int)

    assert high.sum() > low.sum() + 200
    assert scaled(np.ones((2, 2)), 1.0, 1.0).shape == (2, 2, 3)


def test_an_image_is_shown_in_its_proportions_pixel_by_pixel():
    image = photograph(np.array([[[0, 255], [255, 0], [9, 9]]], np.uint8))

    shown = fitted(image, 12, 12)

    assert shown[:4, 2:6].max() == 0
    assert shown[:4, 6:10].min() == 255
    assert shown[:, :2].min() == 255
    assert fitted(np.zeros((50, 40, 3), np.uint8), 10, 10)[:, 1:9].max() == 0


def test_a_row_that_is_full_goes_on_in_the_next():
    mosaic = Mosaic(columns=4, cell=10)
    mosaic.add([np.zeros((5, 5, 3), np.uint8)] * 9, "words")

    assert mosaic.width == 4 * 14 - 4
    assert mosaic.height == 20 + 4 + 4 + 3 * 10
