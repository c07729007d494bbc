"""The same training by torch in 64 bits, to compare with: step by step from the same weights."""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from suite.engine.build import torchs_optimizer
from suite.kernels.network import Kernels
from tests.kernels.drawn import About, Drawn

# Relative errors of norms.
GRADIENT, LOSS, SCORES, UPDATE = 1e-4, 1e-4, 1e-4, 1e-6
OF_LARGEST = 1e-6  # a gradient may also be off by so much of the network's largest,
NOTHING, OF_NOTHING = 1e-9, 1e-3  # and by this share of it where it is 0: a bias before batch normalisation
SMALLEST = 1e-30  # 32 bits have no smaller numbers that keep their digits
ROUNDING, EXCUSED = 6e-8, 300.0  # a network may magnify rounding: so many times what it makes of layers rounded once


class Masked(nn.Module):
    """Dropout with a mask that is given."""

    mask: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.flatten(1) * self.mask.to(x.dtype)).view(x.shape) if self.training else x


def masked(model: nn.Module) -> nn.Module:
    """A copy whose dropouts take given masks."""
    made = copy.deepcopy(model)
    for parent in list(made.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Dropout):
                parent.add_module(name, Masked())
    return made


def pixels(images: torch.Tensor, about: About, kind: torch.dtype) -> torch.Tensor:
    scaled = images.to(kind) / 255
    return (scaled - about.normalize[0]) / about.normalize[1] if about.normalize else scaled


def loss_of(scores: torch.Tensor, labels: torch.Tensor, about: About, smoothing: float) -> torch.Tensor:
    if about.loss == "mse-one-hot":
        return functional.mse_loss(scores, functional.one_hot(labels, about.classes).to(scores.dtype))
    return functional.cross_entropy(scores, labels, label_smoothing=smoothing)


@dataclass
class Twin:
    """Kernels and torch side by side."""

    drawn: Drawn
    kernels: Kernels = field(init=False)
    excused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        model, self.about = self.drawn.model, self.drawn.recipe
        self.exact = masked(model).double()
        self.optimizer = torchs_optimizer(self.about, self.exact)
        self.kernels = Kernels(model, torchs_optimizer(self.about, model), self.about)

    def gradients(self) -> list[torch.Tensor]:
        """Those of the kernels' last step, of each weight."""
        weights = self.kernels.plan.weights
        places = [weights.places[id(one)] - weights.values + weights.gradients for one in self.kernels.parameters]
        found = zip(places, self.kernels.parameters, strict=True)
        return [self.kernels.whole[at : at + one.numel()].view(one.shape).double() for at, one in found]

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """One step of each from the same weights: loss, right answers, gradients, weights and running figures."""
        self._copy_to(self.exact)
        before = copy.deepcopy(self.exact)
        loss, right = self.kernels.step(images, labels)
        self._masks(len(labels))
        wanted, scores, gradients = self._by_torch(self.exact, images, labels)
        close("loss", torch.tensor([loss]), wanted.view(1), LOSS, least=1e-6)
        self._same_right(right, scores, labels)
        self._compare(gradients, before, images, labels)
        for one, gradient in zip(self.exact.parameters(), self.gradients(), strict=True):
            one.grad = gradient
        self.optimizer.step()
        for name, one in self.exact.state_dict().items():
            found = self.drawn.model.state_dict()[name]
            close(name, found, one, *((1e-4, 1e-5) if "running" in name else (UPDATE, 1e-7)))

    def look(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """An evaluation of each."""
        self._copy_to(self.exact)
        loss, scores, predicted, confidence = self.kernels.scores(images, labels)
        self.exact.eval()
        with torch.no_grad():
            wanted = self.exact(pixels(images, self.about, torch.float64))
        self.exact.train()
        close("scores", scores, wanted, SCORES, least=1e-5)
        summed = loss_of(wanted, labels, self.about, 0.0) * len(labels)
        close("summed loss", torch.tensor([loss]), summed.view(1), SCORES, least=1e-5)
        assert torch.equal(predicted, scores.argmax(1))
        likely = scores.softmax(1) if self.about.loss == "cross-entropy" else scores.clamp(0, 1)
        close("confidence", confidence, likely.gather(1, predicted[:, None])[:, 0].double(), 1e-5, least=1e-6)

    def _copy_to(self, model: nn.Module) -> None:
        with torch.no_grad():
            for name, one in model.state_dict().items():
                one.copy_(self.drawn.model.state_dict()[name])

    def _masks(self, n: int) -> None:
        masks = [read(self.kernels, place, features, n) for _, place, features in self.kernels.plan.masks]
        for layer, mask in zip((one for one in self.exact.modules() if isinstance(one, Masked)), masks, strict=True):
            layer.mask = mask

    def _by_torch(self, model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Any:
        model.zero_grad()
        scores = model(pixels(images, self.about, torch.float64))
        loss = loss_of(scores, labels, self.about, self.about.label_smoothing)
        loss.backward()
        if self.about.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), self.about.clip_norm)
        return loss.detach(), scores.detach(), [one.grad.clone() for one in model.parameters()]

    def _same_right(self, right: int, scores: torch.Tensor, labels: torch.Tensor) -> None:
        """As many as torch has, but for images whose two best scores are equal within rounding."""
        best = scores.topk(2, 1).values
        near = int(((best[:, 0] - best[:, 1]) < 1e-5 * scores.abs().max() + 1e-4).sum())
        assert abs(right - int((scores.argmax(1) == labels).sum())) <= near

    def _compare(self, wanted: list[torch.Tensor], before: nn.Module, images: Any, labels: Any) -> None:
        largest = max(float(one.norm()) for one in wanted)
        names = [name for name, _ in self.exact.named_parameters()]
        for k, (name, found, one) in enumerate(zip(names, self.gradients(), wanted, strict=True)):
            off, norm = float((found - one).norm()), float(one.norm())
            least = (OF_NOTHING if norm < NOTHING * largest else OF_LARGEST) * largest
            if off <= GRADIENT * norm + least + SMALLEST:
                continue
            share_masks(self.exact, before)
            moved = max(float((self._by_torch(rounding(before), images, labels)[2][k] - one).norm()) for _ in range(3))
            kink = nearest_kink(before, pixels(images, self.about, torch.float64))
            assert off <= EXCUSED * moved or kink < 1e-5, (
                f"gradient of {name}: {off:.1e} of {norm:.1e}, rounding moves it by {moved:.1e}, kink {kink:.1e}"
            )
            self.excused.append(name)


def compared(drawn: Drawn) -> list[str]:
    """Three steps and two evaluations; returns the gradients that were excused."""
    twin, generator = Twin(drawn), torch.Generator().manual_seed(drawn.seed)
    torch.manual_seed(drawn.seed)
    twin.look(*drawn.images(drawn.batches[-1], generator))
    for n in drawn.batches:
        twin.step(*drawn.images(n, generator))
    twin.look(*drawn.images(min(2 * drawn.batches[0] + 1, 40), generator))
    return twin.excused


def share_masks(model: nn.Module, other: nn.Module) -> None:
    for one, two in zip(model.modules(), other.modules(), strict=True):
        if isinstance(one, Masked):
            two.mask = one.mask


def rounding(model: nn.Module) -> nn.Module:
    """A copy in which each layer's output, and so its gradient, is off by as much as 32 bits may make it."""
    made = copy.deepcopy(model)
    for layer in made.modules():
        if not isinstance(layer, nn.Sequential | nn.Flatten):
            layer.register_forward_hook(_rounded)
    return made


def _rounded(layer: nn.Module, given: Any, out: torch.Tensor) -> torch.Tensor:
    off = ROUNDING * (2 * torch.rand_like(out) - 1)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):  # its gradient is a small difference of large numbers
        dims = [dim for dim in range(out.dim()) if dim != 1]
        deviation = (given[0].var(dims, correction=0, keepdim=True) + layer.eps).sqrt()
        return out * (1 + off) + (given[0] - given[0].detach()) * off.flip(0) / deviation.detach()
    return out * (1 + off)


def read(kernels: Kernels, place: int, features: int, n: int) -> torch.Tensor:
    """What the memory has there for n images, as (n, features)."""
    blocks = []
    for start in range(0, n, 16):
        lanes, first = 8 if n - start <= 8 else 16, place + start * features
        blocks.append(kernels.whole[first : first + lanes * features].view(features, lanes).T[: n - start])
    return torch.cat(blocks).clone()


def close(name: str, found: torch.Tensor, wanted: torch.Tensor, relative: float, least: float = 0.0) -> None:
    """Fails where the norm of the difference is more than a share of the wanted norm, or than `least`."""
    off, bound = float((found.double() - wanted.double()).norm()), relative * float(wanted.double().norm()) + least
    assert off <= bound, f"{name}: off by {off:.2e} of {float(wanted.double().norm()):.2e}, allowed {bound:.2e}"


def nearest_kink(model: nn.Module, given: torch.Tensor) -> float:
    """How near an activation's input is to 0, or the two largest of a max-pool's window to each other, of the largest.

    Rounding may take the one side or the other there. Equal numbers are no kink: all take the first.
    """
    found = [1.0]

    def look(layer: nn.Module, inputs: Any, _output: Any) -> None:
        x = inputs[0]
        if isinstance(layer, nn.MaxPool2d | nn.AdaptiveMaxPool2d):
            x = gaps(layer, x)
        size = x.abs()
        if bool((size > 0).any()):
            found.append(float((size[size > 0].min() / inputs[0].abs().max()).detach()))

    for layer in model.modules():
        if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.MaxPool2d | nn.AdaptiveMaxPool2d):
            layer.register_forward_hook(look)
    with torch.no_grad():
        model(given)
    return min(found)


def gaps(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """The difference of each window's largest number from the largest of the others."""
    if isinstance(layer, nn.AdaptiveMaxPool2d):
        to = layer.output_size
        size = stride = (x.shape[2] // to[0], x.shape[3] // to[1])
        pad = (0, 0)
    else:
        size, stride, pad = (one if isinstance(one, tuple) else (one, one) for one in
                             (layer.kernel_size, layer.stride, layer.padding))  # fmt: skip
    wide = functional.pad(x, (pad[1], pad[1], pad[0], pad[0]), value=-1e9)
    windows = functional.unfold(wide, size, stride=stride).view(*x.shape[:2], size[0] * size[1], -1)
    if windows.shape[2] == 1:
        return torch.ones(1)
    top = windows.topk(2, 2).values
    return top[:, :, 0] - top[:, :, 1]
