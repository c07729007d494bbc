"""Random networks of the layers that the kernels know, and recipes to train them by."""

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class About:
    """What the kernels read of a recipe; a recipe itself has the shape and classes of its data."""

    shape: Shape
    classes: int
    batch_size: int
    loss: str = "cross-entropy"
    label_smoothing: float = 0.0
    normalize: tuple[float, float] | None = None
    optimizer: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip_norm: float | None = None


@dataclass(frozen=True)
class Ranges:
    """What is drawn from. Every other number of channels or columns is another function to compile."""

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    features: tuple[int, ...]


FEW = Ranges((1, 3, 5, 8, 13), (1, 3, 5), (1, 5, 16, 24, 37))
ALL = Ranges((*range(1, 14),), (*range(1, 10),), (*range(1, 41), 64, 100))


@dataclass(frozen=True)
class Drawn:
    """A network, its recipe, and how many images each of its training steps gets."""

    model: nn.Sequential
    recipe: About
    batches: tuple[int, ...]
    seed: int

    def images(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """So many random images and labels."""
        images = torch.randint(0, 256, (n, *self.recipe.shape), generator=generator, dtype=torch.uint8)
        return images, torch.randint(0, self.recipe.classes, (n,), generator=generator)


class Residual(nn.Module):
    """Two branches that are added, and a layer behind them."""

    def __init__(self, body: nn.Module, shortcut: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut, self.last = body, shortcut, last

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.body(images)
        return self.last(found + self.shortcut(images))


class _Drawer:
    """Layers one after the other, each of which fits what the one before it puts out."""

    def __init__(self, draw: Any, ranges: Ranges, shape: Shape) -> None:
        self.draw, self.ranges, self.shape = draw, ranges, shape
        self.layers: list[nn.Module] = []

    def one_of(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def whole(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def add(self, layer: nn.Module, shape: Shape | None = None) -> None:
        self.layers.append(layer)
        self.shape = shape or self.shape

    def convolution(self, channels: int | None = None) -> None:
        """Any kernel that fits, often oblong, with any stride and padding."""
        c, h, w = self.shape
        out = channels or self.one_of(*self.ranges.channels)
        padding: Any = self.one_of("numbers", "numbers", "same", "valid")
        odd = [k for k in self.ranges.kernels if k % 2]
        if padding == "same":
            size, stride, pad = (self.one_of(*odd), self.one_of(*odd)), (1, 1), (0, 0)
        else:
            pad = (self.whole(0, 3), self.whole(0, 3)) if padding == "numbers" else (0, 0)
            fits = [[k for k in self.ranges.kernels if k <= n + 2 * p] for n, p in zip((h, w), pad, strict=True)]
            size = (self.one_of(*fits[0]), self.one_of(*fits[1]))
            stride = (self.whole(1, 3), self.whole(1, 3)) if self.one_of(False, True) else (1, 1)
            padding = pad if padding == "numbers" else padding
        layer = nn.Conv2d(c, out, size, stride, padding, bias=self.one_of(True, True, False))
        if padding != "same":
            h, w = ((n + 2 * p - k) // s + 1 for n, p, k, s in zip((h, w), pad, size, stride, strict=True))
        self.add(layer, (out, h, w))

    def pool(self) -> None:
        """Halving, as most networks do it, or any window, stride and padding."""
        c, h, w = self.shape
        kind = self.one_of(nn.MaxPool2d, nn.AvgPool2d)
        if min(h, w) >= 2 and self.one_of(False, True):
            return self.add(kind(2), (c, h // 2, w // 2))
        size = (self.whole(1, min(h, 4)), self.whole(1, min(w, 4)))
        pad = (self.whole(0, size[0] // 2), self.whole(0, size[1] // 2))
        stride = (self.whole(1, 3), self.whole(1, 3))
        counted = {"count_include_pad": self.one_of(False, True)} if kind is nn.AvgPool2d else {}
        h, w = ((n + 2 * p - k) // s + 1 for n, p, k, s in zip((h, w), pad, size, stride, strict=True))
        return self.add(kind(size, stride, pad, **counted), (c, h, w))

    def adaptive_pool(self) -> None:
        c, h, w = self.shape
        to = tuple(self.one_of(*(k for k in range(1, n + 1) if n % k == 0)) for n in (h, w))
        self.add(self.one_of(nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)(to), (c, *to))

    def pointwise(self) -> None:
        kinds = (nn.ReLU, nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU, nn.LeakyReLU, nn.Dropout, nn.Identity)
        kind = self.one_of(*kinds)
        values = {nn.Dropout: (0.0, 0.3, 0.5, 1.0), nn.LeakyReLU: (0.01, 0.3, 0.0)}.get(kind)
        self.add(kind(self.one_of(*values)) if values else kind())

    def normalisation(self, kind: type[nn.Module]) -> None:
        affine, momentum = self.one_of(True, True, False), self.one_of(0.1, 0.5)
        self.add(kind(self.shape[0], affine=affine, momentum=momentum))

    def linear(self, features: int) -> None:
        self.add(nn.Linear(self.shape[0], features, bias=self.one_of(True, True, False)), (features, 1, 1))

    def residual(self, *, alike: bool = False) -> None:
        """A body of convolutions, perhaps with a block within, beside nothing or a convolution of 1 × 1.

        `alike`: the shape stays as it is.
        """
        first, (c, h, w) = len(self.layers), self.shape
        odd = [k for k in self.ranges.kernels if k % 2]
        out, stride = (c, 1) if alike else (self.one_of(c, *self.ranges.channels), self.one_of(1, 1, 2))
        for step in range(self.whole(0, 2) if (out, stride) == (c, 1) else 1 + self.whole(0, 1)):
            for kind in self.one_of("", "a", "na", "aa"):
                _IMAGES[kind](self)
            size, by = self.one_of(*odd), stride if step == 0 else 1
            layer = nn.Conv2d(self.shape[0], out, size, by, size // 2, bias=self.one_of(True, False))
            self.add(layer, (out, (self.shape[1] - 1) // by + 1, (self.shape[2] - 1) // by + 1))
        for kind in self.one_of("", "n", "a", "na", "naa"):
            _IMAGES[kind](self)
        if self.one_of(*[False] * 5, True):
            self.residual(alike=True)
        beside: list[nn.Module] = []
        if self.shape != (c, h, w) or self.one_of(False, False, True):
            beside = [nn.Conv2d(c, out, 1, stride, bias=False), *self.one_of([], [nn.BatchNorm2d(out)])]
        last = self.one_of(nn.ReLU, nn.ReLU, nn.Identity, nn.Tanh, nn.GELU)
        self.layers[first:] = [Residual(nn.Sequential(*self.layers[first:]), nn.Sequential(*beside), last())]

    def nested(self, first: int) -> None:
        """Put the layers from `first` on into a Sequential of their own."""
        self.layers[first:] = [nn.Sequential(*self.layers[first:])]


def _layers(drawer: _Drawer, classes: int) -> None:
    """Blocks on images, then a head: linear layers, or a convolution whose places are averaged."""
    for _ in range(drawer.whole(0, 3)):
        first = len(drawer.layers)
        for kind in drawer.one_of(
            ("c", "p"), ("c", "a", "p"), ("c", "n", "a"), ("p",), ("c", "a", "a"), ("d", "a"), ("r",), ("r",)
        ):
            _IMAGES[kind](drawer)
        if drawer.one_of(False, False, True):
            drawer.nested(first)
    if drawer.one_of(False, False, False, True):
        drawer.convolution(classes)
        drawer.add(nn.AdaptiveAvgPool2d(1), (classes, 1, 1))
        return drawer.add(nn.Flatten())
    c, h, w = drawer.shape
    drawer.add(nn.Flatten(), (c * h * w, 1, 1))
    for _ in range(drawer.whole(0, 2)):
        drawer.linear(drawer.one_of(*drawer.ranges.features))
        if drawer.one_of(False, False, True):
            drawer.normalisation(nn.BatchNorm1d)
        for _ in range(drawer.whole(0, 2)):
            drawer.pointwise()
    drawer.linear(classes)
    if drawer.one_of(False, False, False, True):
        drawer.pointwise()
    return None


_IMAGES = {
    "c": _Drawer.convolution, "p": _Drawer.pool, "d": _Drawer.adaptive_pool, "a": _Drawer.pointwise,
    "n": lambda drawer: drawer.normalisation(nn.BatchNorm2d), "r": _Drawer.residual,
}  # fmt: skip


@st.composite
def networks(draw: Any, ranges: Ranges) -> Drawn:
    """A network in training mode, whose weights are random and whose biases are not zero."""
    small = draw(st.booleans())  # one pixel or few are a case of their own
    shape = (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 6 if small else 33)),
        draw(st.integers(1, 6 if small else 29)),
    )
    classes = draw(st.integers(2, 23))
    drawer = _Drawer(draw, ranges, shape)
    seed = draw(st.integers(0, 2**31))
    torch.manual_seed(seed)
    _layers(drawer, classes)
    model = nn.Sequential(*drawer.layers)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.affine:
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.5, 0.5)
    batch = draw(st.one_of(st.integers(1, 8), st.integers(9, 17), st.integers(18, 70)))
    last = draw(st.integers(1, batch))
    normalised = any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in model.modules())
    batches = tuple(max(n, 2 if normalised else 1) for n in (batch, batch, last))
    return Drawn(model, _recipe(draw, shape, classes, max(batches)), batches, seed)


def _recipe(draw: Any, shape: Shape, classes: int, batch: int) -> About:
    """Any loss and optimiser."""
    loss = draw(st.sampled_from(("cross-entropy", "smoothed", "mse-one-hot")))
    optimizer = draw(st.sampled_from(("sgd", "momentum", "nesterov", "adam", "adamw")))
    fields: dict[str, Any] = {
        "loss": "mse-one-hot" if loss == "mse-one-hot" else "cross-entropy",
        "optimizer": "sgd" if optimizer == "momentum" else optimizer,
        "lr": 0.001 if optimizer.startswith("adam") else 0.05,
        "weight_decay": draw(st.sampled_from((0.0, 0.1))),
        "normalize": draw(st.sampled_from((None, (0.1307, 0.3081)))),
        "clip_norm": draw(st.sampled_from((None, None, 0.01, 1.0))),
    }
    if loss == "smoothed":
        fields["label_smoothing"] = 0.1
    if optimizer in ("momentum", "nesterov"):
        fields["momentum"] = 0.9
    return About(shape, classes, batch, **fields)
