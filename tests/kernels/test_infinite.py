"""NaN and infinity go the way that they go in torch: a training that diverges there, diverges here."""

import copy
import math

import pytest
import torch
from torch import nn

from suite.engine.build import torchs_optimizer
from suite.kernels.network import Kernels
from tests.kernels.drawn import About
from tests.kernels.twin import loss_of, pixels

ABOUT = About((1, 8, 8), 10, 20)
VALUES = {"NaN": math.nan, "infinity": math.inf, "-infinity": -math.inf}


def linear() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def convolution(*layers: nn.Module, places: int = 9) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 5, 3), *layers, nn.Flatten(), nn.Linear(5 * places, 10))


NETWORKS = {
    "linear": linear,
    "ReLU, max-pool": lambda: convolution(nn.ReLU(), nn.MaxPool2d(2)),
    "max-pool, ReLU": lambda: convolution(nn.MaxPool2d(2), nn.ReLU()),
    "ReLU, mean-pool": lambda: convolution(nn.ReLU(), nn.AvgPool2d(2)),
    "max-pool of threes": lambda: convolution(nn.MaxPool2d(3), places=4),
    "mean-pool of threes": lambda: convolution(nn.AvgPool2d(3, padding=1), places=4),
    "sigmoid": lambda: convolution(nn.Sigmoid(), nn.MaxPool2d(2)),
    "tanh": lambda: convolution(nn.Tanh(), nn.MaxPool2d(2)),
    "GELU": lambda: convolution(nn.GELU(), nn.MaxPool2d(2)),
    "LeakyReLU": lambda: convolution(nn.LeakyReLU(), nn.MaxPool2d(2)),
    "batch norm": lambda: convolution(nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2)),
}


def batch(n: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(1, 256, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return images, torch.randint(0, 10, (n,), generator=generator)


def both(model: nn.Module, about: About = ABOUT) -> tuple[Kernels, nn.Module, torch.optim.Optimizer]:
    other = copy.deepcopy(model)
    return Kernels(model, torchs_optimizer(about, model), about), other, torchs_optimizer(about, other)


def same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    """Equal within rounding, with NaN and infinities at the same places."""
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("made", NETWORKS.values(), ids=NETWORKS)
def test_a_weight_that_is_no_number_gives_what_torch_gives(made, value):
    torch.manual_seed(0)
    model = made()
    with torch.no_grad():
        next(model.parameters()).view(-1)[4] = value
    kernels, other, optimizer = both(model)
    images, labels = batch()

    other.eval()
    scores = other(pixels(images, ABOUT, torch.float32))
    _, found, predicted, confidence = kernels.scores(images, labels)
    other.train()
    same(found, scores.detach())
    assert torch.equal(predicted, found.argmax(1))
    same(confidence, found.softmax(1).gather(1, predicted[:, None])[:, 0])
    for _ in range(2):
        loss, _ = kernels.step(images, labels)
        wanted = loss_of(other(pixels(images, ABOUT, torch.float32)), labels, ABOUT, 0.0)
        optimizer.zero_grad()
        wanted.backward()
        optimizer.step()
        same(torch.tensor(loss), wanted.detach())
        for one, weights in zip(model.parameters(), other.parameters(), strict=True):
            same(one.detach(), weights.detach())


@pytest.mark.parametrize("loss", ["cross-entropy", "mse-one-hot"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_rate_that_is_far_too_high_diverges_as_with_torch(loss, optimizer):
    torch.manual_seed(0)
    about = About((1, 8, 8), 10, 20, loss=loss, optimizer=optimizer, lr=1e30)
    kernels, other, stepping = both(convolution(nn.ReLU(), nn.MaxPool2d(2)), about)
    images, labels = batch()

    losses: list[tuple[float, float]] = []
    for _ in range(4):
        wanted = loss_of(other(pixels(images, about, torch.float32)), labels, about, 0.0)
        stepping.zero_grad()
        wanted.backward()
        stepping.step()
        losses.append((kernels.step(images, labels)[0], wanted.item()))

    assert math.isfinite(losses[0][0])
    assert loss == "cross-entropy" or not math.isfinite(losses[-1][0])
    assert [[math.isfinite(one) for one in pair] for pair in losses] == [
        [math.isfinite(pair[1])] * 2 for pair in losses
    ]


SCORES = {
    "one NaN": [0.0, math.nan, 1.0, 2.0], "the first NaN of two": [1.0, math.nan, math.nan, 5.0],
    "NaN and infinity": [math.inf, 0.0, math.nan, 1.0], "infinity": [0.0, math.inf, 1.0, 2.0],
    "two infinities": [0.0, math.inf, math.inf, 2.0], "-infinity": [0.0, -math.inf, 1.0, 2.0],
    "nothing but -infinity": [-math.inf] * 4, "equal": [3.0] * 4, "zeros of two signs": [-0.0, 0.0, -1.0, 0.0],
    "far apart": [-1e30, 1e30, 0.0, 5.0], "beyond exp": [-200.0, 100.0, 0.0, 99.0],
}  # fmt: skip


@pytest.mark.parametrize("loss", ["cross-entropy", "smoothed", "mse-one-hot"])
@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_loss_class_and_confidence_of_any_scores_are_torchs(scores, loss):
    smoothing = 0.1 if loss == "smoothed" else 0.0
    about = About((1, 1, 1), 4, 4, loss=loss.replace("smoothed", "cross-entropy"), label_smoothing=smoothing)
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 4))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.copy_(torch.tensor(scores))
    kernels, *_ = both(model, about)
    images, labels = torch.zeros(4, 1, 1, 1, dtype=torch.uint8), torch.arange(4)
    given = torch.tensor(scores).expand(4, 4).clone().requires_grad_()
    wanted = loss_of(given, labels, about, smoothing)
    wanted.backward()

    summed, found, predicted, confidence = kernels.scores(images, labels)
    assert torch.equal(found, given.detach()) or bool(found.isnan().any())
    assert torch.equal(predicted, given.argmax(1))
    likely = given.softmax(1) if about.loss == "cross-entropy" else given.clamp(0, 1)
    same(confidence, likely.gather(1, predicted[:, None])[:, 0].detach())
    same(torch.tensor(summed / 4, dtype=torch.float32), loss_of(given, labels, about, 0.0).detach())
    loss_found, right = kernels.step(images, labels)
    same(torch.tensor(loss_found, dtype=torch.float32), wanted.detach())
    assert math.isfinite(loss_found) == math.isfinite(wanted.item())
    assert right == int((given.argmax(1) == labels).sum())
    at = kernels.plan.weights.gradients + 4
    same(torch.from_numpy(kernels.array[at : at + 4]).clone(), given.grad.sum(0))
