"""Networks with branches: gradients against torch in 64 bits, and in their order."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from suite.engine.build import torchs_optimizer
from suite.kernels.network import Kernels
from tests.kernels.drawn import About, Drawn, Residual
from tests.kernels.twin import compared

IMAGE = (2, 6, 5)


class Block(nn.Module):
    """As most residual networks have it."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside)
        self.second, self.second_norm = nn.Conv2d(outside, outside, 3, padding=1), nn.BatchNorm2d(outside)
        self.shortcut = nn.Sequential()
        if stride > 1 or inside != outside:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1, stride), nn.BatchNorm2d(outside))

    def forward(self, images):
        found = functional.relu(self.first_norm(self.first(images)))
        return functional.relu(self.second_norm(self.second(found)) + self.shortcut(images))


class InPlace(Block):
    """The same, written in another way."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the shortcut to the output."""
        identity = x
        out = torch.relu(self.first_norm(self.first(x)))
        out = self.second_norm(self.second(out))
        out += self.shortcut(identity)
        return functional.relu(out)


class Thrice(nn.Module):
    """A value with three users, one of which takes it twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, (1, 5), padding=(0, 2))

    def forward(self, images):
        return self.one(images) + (images + images) + self.other(images)


class Headed(nn.Module):
    """A whole network, with branches behind the flattening."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(60, 9), nn.Linear(9, 9), nn.Linear(9, 10)

    def forward(self, images):
        found = self.first(torch.flatten(images, 1))
        return self.last(functional.relu(found) + self.second(functional.relu(found)))


def flat(*layers: nn.Module, places: int = 60) -> nn.Sequential:
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(places, 10))


def beside(*layers: nn.Module, last: nn.Module | None = None) -> Residual:
    return Residual(nn.Sequential(*layers), nn.Sequential(), last or nn.ReLU())


NETWORKS = {
    "two blocks": lambda: flat(nn.Conv2d(2, 5, 3, padding=1), nn.ReLU(), Block(5, 5), Block(5, 8, 2), places=72),
    "the images have two users": lambda: flat(Block(2, 2)),
    "an addition in place": lambda: flat(nn.Conv2d(2, 2, 1), InPlace(2, 2), InPlace(2, 3), places=90),
    "a value with four uses": lambda: flat(nn.Conv2d(2, 2, 3, padding=1), nn.Sigmoid(), Thrice()),
    "branches of features": Headed,
    "a ReLU between linear layers that has two users": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(60, 9), nn.ReLU(), beside(nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 9))),
    "activations first": lambda: flat(nn.Conv2d(2, 2, 1), beside(
        nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1), last=nn.Identity()), nn.Tanh()),
    "an activation of a shared value": lambda: flat(nn.Conv2d(2, 2, 1), beside(nn.ReLU(), last=nn.Identity())),
    "dropout and an activation of a shared value": lambda: flat(nn.Conv2d(2, 2, 1), beside(
        nn.Dropout(0.5), nn.ReLU(), nn.Conv2d(2, 2, 1), last=nn.Sigmoid())),
    "a branch that ends in an activation": lambda: flat(nn.Conv2d(2, 2, 1), Residual(
        nn.Sequential(nn.Conv2d(2, 2, 1), nn.Tanh()), nn.Sequential(nn.Conv2d(2, 2, 1), nn.Sigmoid()), nn.GELU())),
    "a pool in a branch": lambda: flat(nn.Conv2d(2, 4, 1), Residual(
        nn.Sequential(nn.Conv2d(4, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 3, 1), nn.ReLU()), nn.Dropout(0.3)), places=18),
    "dropout before and behind": lambda: flat(nn.Dropout(0.3), beside(nn.Conv2d(2, 2, 1)), nn.Dropout(0.3)),
    "a block in a branch, and an addition last": lambda: nn.Sequential(
        nn.Conv2d(2, 2, 3, padding=1), beside(beside(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)), nn.BatchNorm2d(2)),
        nn.Flatten(), nn.Linear(60, 7), beside(nn.Linear(7, 7), last=nn.Identity())),
}  # fmt: skip


@pytest.mark.parametrize("made", NETWORKS.values(), ids=NETWORKS)
def test_each_step_is_torchs(made):
    torch.manual_seed(1)
    model = made()
    about = About(IMAGE, model(torch.zeros(2, *IMAGE)).shape[1], 20, optimizer="adam", lr=0.001)

    assert compared(Drawn(model, about, (20, 19, 5), 1)) == []


def test_the_gradients_of_three_users_are_added_from_the_last_to_the_first():
    """1e8 - 1e8 + 1, but not 1e8 + 1 - 1e8 in 32 bits."""

    class Three(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, *others = (
                nn.Linear(1, 1, False),
                nn.Linear(1, 1, False),
                nn.Linear(1, 1, False),
                nn.Linear(1, 1),
            )
            self.one, self.two, self.three = others

        def forward(self, images):
            found = self.first(torch.flatten(images, 1))
            return self.one(found) + self.two(found) + self.three(found)

    weights = {}
    for order in ((1.0, -1e8, 1e8), (-1e8, 1.0, 1e8), (1e8, 1.0, -1e8)):
        model = Three()
        with torch.no_grad():
            for layer, weight in zip((model.first, model.one, model.two, model.three), (1.0, *order), strict=True):
                layer.weight.fill_(weight)
        about = About((1, 1, 1), 1, 1, loss="mse-one-hot", lr=0.0)
        kernels = Kernels(model, torchs_optimizer(about, model), about)
        kernels.step(torch.full((1, 1, 1, 1), 255, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
        at = kernels.plan.weights
        scores = kernels.array[kernels.plan.scores]
        place = at.places[id(model.first.weight)] - at.values + at.gradients
        weights[order] = float(kernels.array[place] / (2 * (scores - 1)))

    assert weights[(1.0, -1e8, 1e8)] == 1.0
    assert weights[(-1e8, 1.0, 1e8)] == weights[(1e8, 1.0, -1e8)] == 0.0
