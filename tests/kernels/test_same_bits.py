"""The same bits: in any company, at any place of a batch, in any process, on any processor."""

import hashlib
import json

import torch
from torch import nn

from suite.engine import numeric
from suite.engine.build import torchs_optimizer
from suite.kernels.network import Kernels
from tests.conftest import ROOT
from tests.kernels.drawn import About
from tests.kernels.test_residual import IMAGE, Block, flat

GOLDEN = json.loads((ROOT / "tests" / "promises" / "golden.json").read_text(encoding="utf-8"))["kernels"]["networks"]


def test_an_image_gets_the_same_scores_in_any_company():
    torch.manual_seed(0)
    about = About((1, 9, 9), 10, 20)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(54, 10)
    )
    kernels = Kernels(model, torchs_optimizer(about, model), about)
    images, labels = torch.randint(0, 256, (600, 1, 9, 9), dtype=torch.uint8), torch.arange(600) % 10
    _, scores, predicted, confidence = kernels.scores(images, labels)

    for chosen in (slice(0, 1), slice(5, 13), slice(250, 270), slice(255, 257), slice(599, 600), slice(3, 600, 7)):
        _, *found = kernels.scores(images[chosen], labels[chosen])
        for one, all_ in zip(found, (scores, predicted, confidence), strict=True):
            assert torch.equal(one, all_[chosen])
    _, *found = kernels.scores(images.flip(0), labels.flip(0))
    for one, all_ in zip(found, (scores, predicted, confidence), strict=True):
        assert torch.equal(one, all_.flip(0))


def test_an_evaluation_changes_no_later_step():
    about = About((1, 9, 9), 10, 20, optimizer="adam", lr=0.01)
    images, labels = torch.randint(0, 256, (300, 1, 9, 9), dtype=torch.uint8), torch.arange(300) % 10
    weights = []
    for looks in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.GELU(), nn.Flatten(), nn.Linear(294, 10))
        kernels = Kernels(model, torchs_optimizer(about, model), about)
        for step in range(3):
            kernels.step(images[step * 20 :][:20], labels[step * 20 :][:20])
            if looks:
                kernels.scores(images, labels)
        weights.append(list(model.state_dict().values()))

    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


def residual() -> str:
    """8 digits of the SHA-256 of a residual network's weights after three steps, and of its scores."""
    model = flat(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), Block(4, 4), Block(4, 6, 2), places=54)
    with torch.no_grad():
        for number, weights in enumerate(model.parameters(), 1):
            count = torch.arange(weights.numel()).mul_(7_919 * number).remainder_(1_009)
            weights.copy_(count.float().div_(1_009).sub_(0.5).view(weights.shape))
    about = About(IMAGE, 10, 21, optimizer="nesterov", momentum=0.9, lr=0.01)
    kernels = Kernels(model, torchs_optimizer(about, model), about)
    images = torch.arange(60 * 21).mul_(7_919).remainder_(251).to(torch.uint8).view(21, *IMAGE)
    for _ in range(3):
        kernels.step(images, torch.arange(21) % 10)
    seen = hashlib.sha256()
    for one in (*model.state_dict().values(), *kernels.scores(images, torch.arange(21) % 10)[1:]):
        seen.update(one.detach().numpy().tobytes())
    return seen.hexdigest()[:8]


def trained_here() -> dict[str, str]:
    """The digests of the networks that the numeric class of the kernels is made of, and of a residual network."""
    found = {name: digest for name, digest in numeric.kernels().items() if name.startswith("kernels: ")}
    return {**found, "residual network, Nesterov": residual()}


def test_this_processor_comes_to_the_committed_bits():
    assert trained_here() == GOLDEN
