"""From a recipe to model, loss and optimiser."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from suite.engine.build import build_loss, build_model, build_optimizer
from suite.errors import SuiteError
from suite.recipe import Source


def flat(outputs=10):
    return lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, outputs))


def test_a_seed_gives_the_same_weights_whatever_was_drawn_before(experiment):
    small = experiment()
    expected = build_model(small.recipe, small.network, seed=1).state_dict()

    torch.rand(100)
    again = build_model(small.recipe, small.network, seed=1).state_dict()

    assert all(torch.equal(again[name], expected[name]) for name in expected)


def test_normal_initialisation_draws_weights_and_zeroes_biases(experiment):
    recipe = experiment(init_std=0.01).recipe

    model = build_model(recipe, flat(), seed=0)

    assert model[1].weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert abs(model[1].weight.mean().item()) < 0.001
    assert torch.equal(model[1].bias, torch.zeros(10))


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (flat(9), r"to \(2, 9\), not to \(2, 10\)"),
        (lambda: "no network", "must return a torch.nn.Module, got 'no network'"),
    ],
)
def test_what_does_not_map_images_to_ten_scores_is_refused(experiment, network, reason):
    with pytest.raises(SuiteError, match=reason):
        build_model(experiment().recipe, network, seed=0)


def test_a_network_of_another_size_than_its_source_is_refused(experiment):
    recipe = experiment(source=Source(title="a paper", parameters=7_000)).recipe

    with pytest.raises(SuiteError, match="7,850 parameters, its source 7,000"):
        build_model(recipe, flat(), seed=0)


def test_squared_error_is_the_mean_over_batch_and_classes(experiment):
    scores, labels = torch.tensor([[0.5] * 10, [0.0] * 10]), torch.tensor([0, 3])

    loss = build_loss(experiment(loss="mse-one-hot").recipe)(scores, labels)

    assert loss.item() == pytest.approx((10 * 0.25 + 1.0) / 20)


def test_cross_entropy_is_torchs_own(experiment):
    scores, labels = torch.randn(5, 10), torch.arange(5)

    assert build_loss(experiment().recipe)(scores, labels) == functional.cross_entropy(scores, labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "kind", "settings"),
    [
        ({"optimizer": "sgd", "lr": 0.5, "momentum": 0.9, "weight_decay": 0.1}, torch.optim.SGD,
         {"lr": 0.5, "momentum": 0.9, "weight_decay": 0.1}),
        ({"optimizer": "adam", "betas": (0.7, 0.9)}, torch.optim.Adam, {"betas": (0.7, 0.9)}),
        ({"optimizer": "adam", "lr": 0.002, "weight_decay": 0.01}, torch.optim.Adam,
         {"lr": 0.002, "weight_decay": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}),
    ],
)  # fmt: skip
def test_the_optimiser_has_the_recipes_settings(experiment, fields, kind, settings):
    optimizer = build_optimizer(experiment(**fields).recipe, flat()())

    assert type(optimizer) is kind
    assert {name: optimizer.param_groups[0][name] for name in settings} == settings
