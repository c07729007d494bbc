"""What a network is made of."""

from torch import nn

from suite.data.dataset import GREY
from suite.engine.build import build_model
from suite.engine.layers import describe, layers
from suite.recipe import registry


def test_lenets_layers_have_the_published_shapes_and_parameters():
    lenet = registry.load().experiments["lenet"]

    found = layers(build_model(lenet.recipe, lenet.network, seed=0), GREY)

    assert [layer.parameters for layer in found if layer.parameters] == [156, 2_416, 30_840, 10_164, 850]
    shaped = [layer.shape for layer in found if not layer.kind.startswith(("Sigmoid", "Flatten"))]
    assert shaped == [(6, 24, 24), (6, 12, 12), (16, 8, 8), (16, 4, 4), (120,), (84,), (10,)]


def test_multiply_accumulates_are_counted_by_hand():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, groups=1), nn.Conv2d(4, 4, 3, groups=4), nn.Flatten(), nn.Linear(2304, 10))

    facts = describe(model, GREY)

    assert facts["macs"] == 26 * 26 * 4 * 9 + 24 * 24 * 4 * 9 + 23_040
    assert facts["parameters"] == 4 * 10 + 4 * 10 + 23_050


def test_looking_leaves_no_hook_and_no_other_mode():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 10)).train()

    layers(model, GREY)

    assert model.training
    assert all(not module._forward_hooks for module in model.modules())
