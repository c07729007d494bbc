"""The quick way through a network comes to what the published one comes to, and the published one stays as it is."""

import pytest
import torch
from torch import nn

from suite.data.dataset import GREY
from suite.engine import checkpoint, exact
from suite.engine.build import build_loss, build_model, build_optimizer
from suite.engine.events import EpochEnded
from suite.engine.layers import describe
from suite.engine.rewrite import ChannelsLast, rewrite
from suite.engine.state import State
from suite.engine.train import train
from suite.recipe import registry

EXPERIMENTS = registry.load().experiments
CONVOLUTIONAL = sorted(set(EXPERIMENTS) - {"mlp", "linear", "resnet8"})  # its blocks are no layers of torch
IMAGES = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(0))
BACKGROUND = IMAGES * (IMAGES > 0.7).float()  # as in the real images most pixels are exactly zero, and most pools tie
LABELS = torch.arange(12) % 10


def _images(experiment):
    """The images in the shape of the experiment's data: each channel the same, the edge repeated."""
    channels, height, _ = experiment.recipe.shape
    padded = torch.nn.functional.pad(BACKGROUND, ((height - 28) // 2,) * 4, "replicate")
    return padded.repeat(1, channels, 1, 1)


def trained(experiment, way_of, steps=6, dtype=torch.float64):
    """The model after some steps by the recipe's own protocol, and their losses; dropout draws the same each time."""
    model = build_model(experiment.recipe, experiment.network, seed=0).to(dtype)
    way, loss_of = way_of(model), build_loss(experiment.recipe)
    optimizer, losses = build_optimizer(experiment.recipe, model), []
    for step in range(steps):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = loss_of(way(_images(experiment).roll(step, 0).to(dtype)), LABELS)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return model, torch.stack(losses)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_every_experiment_trains_to_the_same_numbers_either_way(name):
    published, expected = trained(EXPERIMENTS[name], lambda model: model)
    quick, losses = trained(EXPERIMENTS[name], rewrite)

    assert torch.allclose(losses, expected, rtol=1e-10, atol=0)
    for (key, one), (_, other) in zip(quick.named_parameters(), published.named_parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-7, atol=1e-11), key
        assert torch.allclose(one, other, rtol=1e-7, atol=1e-9), key


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_experiments_with_convolutions_are_those_that_are_rewritten(name):
    model = build_model(EXPERIMENTS[name].recipe, EXPERIMENTS[name].network, seed=0)

    assert type(rewrite(model)[0]) is ChannelsLast


def test_a_network_of_linear_layers_keeps_its_bits():
    published, expected = trained(EXPERIMENTS["mlp"], lambda model: model, dtype=torch.float32)
    quick, losses = trained(EXPERIMENTS["mlp"], rewrite, dtype=torch.float32)

    assert torch.equal(losses, expected)
    assert checkpoint.digest(quick.state_dict()) == checkpoint.digest(published.state_dict())


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_network_stays_as_published_and_its_parameters_are_the_same_ones(name):
    experiment = EXPERIMENTS[name]
    model = build_model(experiment.recipe, experiment.network, seed=0)
    before = describe(model, GREY), list(model.state_dict())

    way = State.begun(experiment.recipe, model).forward

    assert (describe(model, GREY), list(model.state_dict())) == before
    assert {id(parameter) for parameter in way.parameters()} == {id(parameter) for parameter in model.parameters()}
    assert [type(layer).__name__ for layer in model] == [type(layer).__name__ for layer in experiment.network()]


def test_the_quick_way_sees_new_weights_and_the_mode():
    model = nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(288, 10))
    way = rewrite(model)
    model.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()})

    assert way(IMAGES).abs().max() == 0
    assert not way.eval()[4].training
    assert not model[3].training


def gradients(way, model, images):
    """What a pass gives, and the gradient of every parameter by it."""
    model.zero_grad()
    scores = way(images)
    scores.square().sum().backward()
    return [scores.detach(), *(parameter.grad.clone() for parameter in model.parameters())]


@pytest.mark.parametrize(
    "pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, stride=2, padding=1), nn.MaxPool2d(2, ceil_mode=True)]
)
@pytest.mark.parametrize("images", [IMAGES, BACKGROUND, torch.zeros(12, 1, 28, 28)])
def test_pooling_before_a_rectifier_keeps_every_bit(pool, images):
    model = nn.Sequential(nn.Identity(), nn.Conv2d(1, 4, 5), nn.ReLU(), pool, nn.Flatten(), nn.LazyLinear(10))
    model(images)

    way = rewrite(model)

    assert [type(layer) for layer in way[2:4]] == [nn.MaxPool2d, nn.ReLU]
    assert all(map(torch.equal, gradients(way, model, images), gradients(model, model, images)))


@pytest.mark.parametrize("activation", [nn.Sigmoid(), nn.Tanh()])
def test_pooling_before_a_smooth_activation_gives_equal_numbers(activation):
    model = nn.Sequential(
        nn.Identity(), nn.Conv2d(1, 4, 5), activation, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(576, 10)
    )
    model.double()

    found, expected = (gradients(way, model, BACKGROUND.double()) for way in (rewrite(model), model))

    assert torch.equal(found[0], expected[0])
    assert all(torch.allclose(one, other, rtol=1e-10) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        (nn.Conv2d(1, 3, (3, 5), padding=(1, 2)), nn.Tanh(), nn.AvgPool2d(2)),
        (nn.Conv2d(1, 3, 4), nn.Sigmoid(), nn.AvgPool2d((2, 2), stride=2)),  # 25 rows: the last is in no pool
        (nn.Conv2d(1, 3, 6), nn.MaxPool2d(2)),
        (nn.Conv2d(1, 1, 3), nn.AvgPool2d(2)),
        (nn.Conv2d(1, 3, 1), nn.MaxPool2d(2), nn.ReLU()),
    ],
)
def test_channels_last_in_memory_gives_equal_numbers(layers):
    model = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))
    model(IMAGES)
    model.double()
    way = rewrite(model)
    assert type(way[0]) is ChannelsLast

    for images in (IMAGES, BACKGROUND, IMAGES.new_zeros(12, 1, 28, 28)):
        found, expected = (gradients(one, model, images.double()) for one in (way, model))
        assert all(
            torch.allclose(one, other, rtol=1e-9, atol=1e-11) for one, other in zip(found, expected, strict=True)
        )


def test_no_number_hides_what_is_no_number():
    model = nn.Sequential(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(288, 10))
    images = IMAGES.clone()
    images[3, 0, 10, 10] = float("nan")

    scores = rewrite(model)(images)

    assert scores.isnan().any(1).tolist() == [index == 3 for index in range(12)]


class Own(nn.Sequential):
    """Whoever makes a class of their own may have changed what it does."""


class OwnLayer(nn.Module):
    """So may whoever writes a layer: this one asks for an order in memory."""

    def forward(self, images):
        return images.view(len(images), -1)


def hooked(model):
    model[0].register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    "model",
    [
        Own(nn.Conv2d(1, 2, 5), nn.MaxPool2d(2)),
        nn.ModuleDict(),
        nn.Sequential(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.MaxPool2d(2), OwnLayer()),
        nn.Sequential(nn.Conv2d(1, 2, 5), nn.Sequential(OwnLayer())),
        hooked(nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(2))),
    ],
)
def test_what_is_not_a_plain_sequence_is_left_alone(model):
    assert rewrite(model) is model


@pytest.mark.parametrize(
    "layers",
    [
        (),
        (nn.Flatten(), nn.Linear(784, 10)),
        (nn.Linear(28, 28), nn.GELU(), nn.MaxPool2d(2)),
        (nn.Linear(28, 28), nn.ReLU(), nn.AvgPool2d(2)),
        (nn.Linear(28, 28), nn.ReLU(), nn.MaxPool2d(2, return_indices=True)),
        (nn.Linear(28, 28), nn.ReLU(), nn.Dropout(), nn.MaxPool2d(2)),
    ],
)
def test_what_the_quick_way_is_not_made_for_goes_as_published(layers):
    model = nn.Sequential(*layers)

    assert list(rewrite(model)) == list(model)


def test_the_images_are_those_given_and_no_byte_is_moved():
    turned = ChannelsLast()(IMAGES)

    assert torch.equal(turned, IMAGES)
    assert turned.data_ptr() == IMAGES.data_ptr()
    assert turned.stride() == (784, 1, 28, 1)


def pooled():
    """A small network that is rewritten, with two pools."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 3), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(100, 10),
    )  # fmt: skip


@pytest.mark.promise
@pytest.mark.full
def test_a_rewritten_run_goes_on_after_a_break_to_the_same_bits(experiment, run_of, digits):
    small = experiment(network=pooled, epochs=2)
    unbroken, broken = run_of(small, under="unbroken"), run_of(small, under="broken")

    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with unbroken.claim():
        expected = train(unbroken, small, digits, lambda _: None)
    with broken.claim(), pytest.raises(KeyboardInterrupt):
        train(broken, small, digits, stop)
    with broken.claim():
        found = train(broken, small, digits, lambda _: None)

    assert found["weights_sha256"] == expected["weights_sha256"]
    assert found["predictions_sha256"] == expected["predictions_sha256"]
    assert [layer["kind"].partition("(")[0] for layer in found["network"]["layers"]][:3] == [
        "Conv2d",
        "ReLU",
        "MaxPool2d",
    ]


def test_fresh_memory_need_not_be_filled_for_the_same_bits(experiment, run_of, digits, monkeypatch):
    small = experiment(network=pooled, epochs=1)
    found = []
    for filled in (False, True):
        run = run_of(small, under=str(filled))
        if filled:
            exact.make_exact()
            monkeypatch.setattr(exact, "make_exact", lambda: None)
            torch.utils.deterministic.fill_uninitialized_memory = True
        with run.claim():
            found.append(train(run, small, digits, lambda _: None)["weights_sha256"])
        assert torch.utils.deterministic.fill_uninitialized_memory is filled
    torch.utils.deterministic.fill_uninitialized_memory = False

    assert found[0] == found[1]
