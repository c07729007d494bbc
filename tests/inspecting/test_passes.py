"""What a pass shows of a network, compared with what is computed by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from suite.inspecting import passes


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def image(*shape):
    return torch.rand(1, *shape)


def first(model, shape):
    """The weights that are shown of a network's first layer."""
    with torch.inference_mode():
        return passes.weights(passes.weighted(passes.called(model, image(*shape)))[0], shape)


def test_filters_are_the_weights_of_the_first_convolution():
    model = nn.Sequential(nn.Identity(), nn.Conv2d(3, 70, 5), nn.Flatten(), nn.LazyLinear(10)).eval()
    model(image(3, 8, 8))

    shown = first(model, (3, 8, 8))

    assert (shown.layer, shown.count, shown.templates) == ("1 Conv2d 5×5", 70, False)
    assert np.array_equal(shown.values, model[1].weight.detach().numpy()[: passes.MOST_FILTERS])


def test_the_weights_of_a_linear_layer_on_pixels_are_templates_of_the_image():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 5, 7)).eval()

    shown = first(model, (3, 4, 5))

    assert shown.templates
    assert np.array_equal(shown.values, model[1].weight.detach().numpy().reshape(7, 3, 4, 5))


@pytest.mark.parametrize("kernel", [1, (1, 1)])
def test_kernels_of_one_pixel_are_a_matrix(kernel):
    model = nn.Sequential(nn.Conv2d(3, 6, kernel), nn.Flatten(), nn.Linear(96, 2)).eval()

    assert np.array_equal(first(model, (3, 4, 4)).values, model[0].weight.detach().numpy()[:, :, 0, 0])


def test_activations_are_what_each_layer_puts_out_even_if_the_next_one_writes_over_it():
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten(), nn.Linear(108, 4)
    ).eval()
    given = image(1, 8, 8)

    with torch.inference_mode():
        calls = passes.called(model, given)
        conv = model[0](given)
        scores = model(given)
    shown = [passes.activation(one) for one in calls if passes.changes(one)]

    assert [one.layer for one in shown] == ["0 Conv2d 3×3", "1 ReLU", "4 Linear"]
    assert [one.shape for one in shown] == [(3, 6, 6), (3, 6, 6), (4,)]
    assert np.allclose(shown[0].values, conv[0].numpy())
    assert np.allclose(shown[1].values, conv[0].clamp(min=0).numpy())
    assert np.allclose(shown[2].values, scores[0].numpy())


class Twice(nn.Module):
    """One layer that is called three times, and the scores by another."""

    def __init__(self):
        super().__init__()
        self.mix, self.last = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, images):
        found = images.flatten(1)
        for _ in range(3):
            found = self.mix(found).relu()
        return self.last(found)


def test_the_calls_of_a_layer_that_is_used_again_are_numbered_and_each_has_its_own_values():
    model, given = Twice().eval(), torch.rand(5, 1, 4, 4)

    with torch.inference_mode():
        calls = passes.called(model, given[:1])
        second = passes.inputs(model, given, calls[1])
        once = model.mix(given.flatten(1)).relu()

    assert [one.words for one in calls] == [
        "mix Linear, call 1",
        "mix Linear, call 2",
        "mix Linear, call 3",
        "last Linear",
    ]
    assert np.allclose(second, once.numpy())


def test_features_are_the_input_of_the_last_layer_for_every_image(monkeypatch):
    monkeypatch.setattr(passes, "TOGETHER", 3)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10)).eval()
    given = torch.rand(7, 1, 8, 8)

    with torch.inference_mode():
        last = passes.weighted(passes.called(model, given[:1]))[-1]
        found = passes.inputs(model, given, last)

    assert last.words == "3 Linear"
    assert np.allclose(found, model[:3](given).detach().numpy())


class Turned(nn.Module):
    """Its last layer sees the rows of an image, not the image."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 2)

    def forward(self, images):
        return self.last(images.transpose(0, 2)).sum((1, 2))[:1].expand(len(images), 2)


def test_an_input_without_a_row_for_each_image_is_no_embedding():
    model, given = Turned().eval(), torch.rand(5, 1, 3, 4)

    with torch.inference_mode():
        assert passes.inputs(model, given, passes.called(model, given[:1])[0]) is None


@pytest.mark.parametrize(
    ("output", "shape"),
    [
        ((1, 40, 5, 5), (16, 5, 5)), ((1, 64, 1, 1), (64,)), ((1, 300), (256,)), ((1, 7, 12), (7, 12)), ((1,), (1,)),
        ((1, 2, 3, 4, 5), (6, 4, 5)), ((28, 1, 6), (16, 1, 6)), ((), (1,)),
    ],
)  # fmt: skip
def test_an_output_of_any_shape_can_be_shown(output, shape):
    shown = passes.activation(passes.Call("a", nn.Identity(), 1, torch.rand(output)))

    assert shown.values.shape == shape


def test_what_is_no_number_is_shown_as_nothing():
    values = passes.values_of(torch.tensor([1.0, float("nan"), float("inf")]))

    assert values.tolist() == [1, 0, 0]
    assert passes.values_of(torch.tensor([3 + 4j])).tolist() == [5]
