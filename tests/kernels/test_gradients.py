"""Losses, gradients, updates and evaluations of chosen networks against torch in 64 bits; chance chooses others."""

import pytest
import torch
from torch import nn

from tests.kernels.drawn import About, Drawn
from tests.kernels.twin import compared


def on_features(*layers: nn.Module) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(99, 10), *layers]


NETWORKS = {
    "a value is kept for the slope": on_features(nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.LeakyReLU(0.3), nn.Sigmoid()),
    "first of all a slope": [nn.Sigmoid(), nn.Tanh(), *on_features()],
    "dropout last": on_features(nn.Dropout(0.5)),
    "two dropouts last": on_features(nn.Tanh(), nn.Dropout(0.5), nn.Dropout(0.0)),
    "dropout of everything": on_features(nn.Dropout(1.0), nn.Linear(10, 10)),
    "nothing but dropout before": [nn.Dropout(0.3), *on_features()],
    "a wide kernel whose stride leaves columns": [nn.Conv2d(1, 4, (2, 8), 2), nn.Conv2d(4, 5, (1, 8), (1, 4), (0, 4)),
                                                  nn.Flatten(), nn.Linear(20, 10)],
    "columns that a wide kernel never reaches": [nn.Conv2d(1, 5, 1), nn.Conv2d(5, 4, (3, 8), (1, 5)), nn.Flatten(),
                                                 nn.Linear(28, 10)],
    "padding wider than the kernel": [nn.Conv2d(1, 5, 1, padding=3), nn.ReLU(), nn.Conv2d(5, 3, 1, 2, 2), nn.Flatten(),
                                      nn.Linear(330, 10)],
    "a stride over the padding": [nn.Conv2d(1, 5, 3, 2, 1), nn.Tanh(), nn.Conv2d(5, 6, 5, (3, 2), 2), nn.Flatten(),
                                  nn.Linear(36, 10)],
    "rows that a pool leaves out": [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(3, 7, (2, 1)),
                                    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(14, 10)],
    "a ReLU beside a pool": [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 7, (2, 1)),
                             nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(14, 10)],
    "a ReLU between linear layers": [nn.Flatten(), nn.Linear(99, 13), nn.ReLU(), nn.Linear(13, 5), nn.ReLU(),
                                     nn.Linear(5, 10)],
    "pixels under several windows": [nn.Conv2d(1, 3, 3), nn.MaxPool2d((3, 2), (1, 1), (1, 1)), nn.AvgPool2d(3, 2, 1),
                                     nn.Flatten(), nn.Linear(60, 10)],
    "numbers of channels that no tile divides": [nn.Conv2d(1, 11, 3), nn.Conv2d(11, 21, 3), nn.MaxPool2d(2),
                                                 nn.Flatten(), nn.Linear(126, 13), nn.Linear(13, 10)],
}  # fmt: skip


@pytest.fixture(autouse=True)
def the_same_weights_whatever_ran_before():
    """By chance a number may lie at a kink, where 64 bits go another way; so it is not left to chance."""
    torch.manual_seed(1)


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_each_step_is_torchs(layers):
    for layer in layers:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    about = About((1, 9, 11), 10, 20, optimizer="adam", lr=0.001)

    assert compared(Drawn(nn.Sequential(*layers), about, (20, 20, 5), 0)) == []


RECIPES = {
    "SGD": {"weight_decay": 0.1},
    "momentum": {"momentum": 0.9},
    "Nesterov's": {"optimizer": "nesterov", "momentum": 0.9, "weight_decay": 0.1},
    "Adam": {"optimizer": "adam", "lr": 0.001, "weight_decay": 0.1},
    "AdamW": {"optimizer": "adamw", "lr": 0.001, "weight_decay": 0.1, "betas": (0.7, 0.9)},
    "smoothed": {"label_smoothing": 0.1},
    "clipped": {"clip_norm": 0.01, "momentum": 0.9, "lr": 1.0},
    "clipped, Adam": {"optimizer": "adam", "lr": 0.001, "clip_norm": 0.1, "weight_decay": 0.1},
    "a norm below the limit": {"clip_norm": 1e6},
    "squared error": {"loss": "mse-one-hot", "normalize": (0.1307, 0.3081)},
}


@pytest.mark.parametrize("fields", RECIPES.values(), ids=RECIPES)
def test_each_optimiser_and_loss_is_torchs(fields):
    layers = on_features(nn.ReLU(), nn.Linear(10, 10, bias=False))

    assert compared(Drawn(nn.Sequential(*layers), About((1, 9, 11), 10, 20, **fields), (20, 20, 5), 0)) == []


@pytest.mark.parametrize("n", [*range(1, 18), 24, 25, 31, 32, 33, 47, 48, 49])
def test_a_batch_may_have_any_number_of_images(n):
    layers = nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.3), nn.Flatten()
    about = About((2, 5, 7), 3, n, momentum=0.9)

    compared(Drawn(nn.Sequential(*layers, nn.Linear(30, 9), nn.GELU(), nn.Linear(9, 3)), about, (n, n, n), n))
