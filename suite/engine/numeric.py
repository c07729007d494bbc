"""The numeric class of a machine: a digest of what torch's operators, or our kernels, compute here, bit for bit.

Processors with the same instructions, and libraries that choose the same order of sums, have the same class, and so
come to the same weights. The name of a processor predicts neither. All inputs are made of whole numbers, and have the
channels and sizes of the experiments' layers: the libraries choose their algorithms by them.
"""

import functools
import hashlib
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from suite.engine.build import torchs_optimizer
from suite.engine.device import device
from suite.engine.way import Way
from suite.recipe import Recipe

Tensors = list[torch.Tensor]


@functools.cache
def numeric_class() -> str:
    """The class of this process: 8 hexadecimal digits, computed once."""
    return class_of(operators())


@functools.cache
def kernels_class() -> str:
    """The class of our kernels and of torch's random numbers, which give the first weights and dropout's masks."""
    return class_of(kernels())


def load_kernels() -> None:
    """Compile, or read from the cache, what most networks need; torch computes nothing, so it can still be set up."""
    from suite.kernels.network import load

    for layers, recipe in _NETWORKS.values():
        with torch.device("meta"):
            load(nn.Sequential(*layers()), recipe)


def class_of_way(way: Way) -> str:
    """The class of the way that a training goes."""
    return kernels_class() if way.kernels else numeric_class()


def class_of(digests: dict[str, str]) -> str:
    """The first 8 hexadecimal digits of the SHA-256 of what `operators` gave."""
    return hashlib.sha256(repr(digests).encode()).hexdigest()[:8]


def operators() -> dict[str, str]:
    """For each operator, 8 hexadecimal digits of the SHA-256 of its results and gradients on fixed inputs."""
    with torch.random.fork_rng(devices=[]):
        return {name: _digest(compute()) for name, compute in _OPERATORS.items()}


def kernels() -> dict[str, str]:
    """The same for small networks that the kernels train for a few steps, and for torch's random numbers."""
    with torch.random.fork_rng(devices=[]):
        drawn = {name: _digest(compute()) for name, compute in _OPERATORS.items() if name in DRAWS}
        return drawn | {name: _digest(_trained(*about)) for name, about in _NETWORKS.items()}


def _digest(results: Tensors) -> str:
    seen = hashlib.sha256()
    for one in results:
        seen.update(one.detach().cpu().numpy().tobytes())
    return seen.hexdigest()[:8]


def _filled(*shape: int, scale: float = 1.0) -> torch.Tensor:
    """Values between -scale/2 and scale/2 that no two neighbours share: remainders of whole numbers."""
    numbers = torch.arange(torch.Size(shape).numel()).mul_(7_919).remainder_(1_009)
    return numbers.float().div_(1_009).sub_(0.5).mul_(scale).reshape(shape).to(device())


def _with_gradients(compute: Callable[..., torch.Tensor], *given: torch.Tensor) -> Tensors:
    """The result of an operator, and its gradients for all that is given, for a gradient of the result's shape."""
    leaves = [one.requires_grad_() for one in given]
    result = compute(*leaves)
    return [result, *torch.autograd.grad(result, leaves, _filled(*result.shape))]


def _convolution(batch: int, inputs: int, outputs: int, size: int, kernel: int) -> Callable[[], Tensors]:
    def compute() -> Tensors:
        images = _filled(batch, inputs, size, size).contiguous(memory_format=torch.channels_last)
        weights = _filled(outputs, inputs, kernel, kernel, scale=0.1)
        convolve = functools.partial(functional.conv2d, padding=kernel // 2)
        return _with_gradients(convolve, images, weights, _filled(outputs))

    return compute


def _linear(batch: int, inputs: int, outputs: int) -> Callable[[], Tensors]:
    return lambda: _with_gradients(
        functional.linear, _filled(batch, inputs), _filled(outputs, inputs, scale=0.1), _filled(outputs)
    )


def _of_images(compute: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], Tensors]:
    return lambda: _with_gradients(
        compute, _filled(16, 16, 14, 14, scale=8.0).contiguous(memory_format=torch.channels_last)
    )


def _of_scores(loss: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], Tensors]:
    return lambda: _with_gradients(loss, _filled(64, 10, scale=8.0))


def _steps(optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer]) -> Callable[[], Tensors]:
    def compute() -> Tensors:
        weights = nn.Parameter(_filled(4_001))
        stepping = optimizer([weights])
        for step in range(3):
            weights.grad = _filled(4_001, scale=step + 0.1)
            stepping.step()
        return [weights]

    return compute


def _drawn(draw: Callable[[], torch.Tensor]) -> Callable[[], Tensors]:
    def compute() -> Tensors:
        torch.manual_seed(0)
        return [draw()]

    return compute


def _trained(layers: Callable[[], list[nn.Module]], recipe: Recipe) -> Tensors:
    """The weights of a network after three steps, and its scores."""
    from suite.kernels.network import Kernels

    model = nn.Sequential(*layers())
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(_filled(*weights.shape, scale=0.5))
    computed = Kernels(model, torchs_optimizer(recipe, model), recipe)
    images = torch.arange(28 * 28 * recipe.batch_size).mul_(7_919).remainder_(251).to(torch.uint8).view(-1, 1, 28, 28)
    labels = torch.arange(recipe.batch_size) % 10
    for _ in range(3):
        computed.step(images, labels)
    return [*model.state_dict().values(), *computed.scores(images, labels)[1:]]


def _lenet() -> list[nn.Module]:
    first = [nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2)]
    return [*first, nn.Flatten(), nn.Linear(400, 84), nn.Sigmoid(), nn.Linear(84, 10)]


def _others() -> list[nn.Module]:
    first = [nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.GELU(), nn.MaxPool2d(3), nn.Flatten()]
    return [*first, nn.Linear(128, 24), nn.Tanh(), nn.Linear(24, 10)]


DRAWS = ("normal numbers", "uniform numbers", "permutation")
_NETWORKS: dict[str, tuple[Callable[[], list[nn.Module]], Recipe]] = {
    "kernels: LeNet, cross-entropy, Adam": (
        _lenet,
        Recipe(data="mnist", loss="cross-entropy", optimizer="adam", lr=0.001, batch_size=20, epochs=1),
    ),
    "kernels: stride, BatchNorm, GELU, tanh, squared error, momentum": (
        _others,
        Recipe(data="mnist", loss="mse-one-hot", optimizer="sgd", momentum=0.9, lr=0.01, batch_size=20, epochs=1),
    ),
}
_OPERATORS: dict[str, Callable[[], Tensors]] = {
    "convolution 5 × 5, 1 to 6 channels": _convolution(16, 1, 6, 28, 5),
    "convolution 5 × 5, 6 to 16 channels": _convolution(16, 6, 16, 14, 5),
    "convolution 3 × 3, 1 to 32 channels": _convolution(8, 1, 32, 28, 3),
    "convolution 5 × 5, 32 to 64 channels": _convolution(4, 32, 64, 14, 5),
    "linear, 784 to 64": _linear(64, 784, 64),
    "linear, 400 to 120": _linear(64, 400, 120),
    "linear, 84 to 10": _linear(50, 84, 10),
    "max-pooling": _of_images(lambda images: functional.max_pool2d(images, 2)),
    "average pooling": _of_images(lambda images: functional.avg_pool2d(images, 2)),
    "batch normalisation": _of_images(lambda images: functional.batch_norm(images, None, None, training=True)),
    "sigmoid": _of_images(torch.sigmoid),
    "tanh": _of_images(torch.tanh),
    "GELU": _of_images(functional.gelu),
    "cross-entropy": _of_scores(lambda scores: functional.cross_entropy(scores, torch.arange(64).to(device()) % 10)),
    "squared error": _of_scores(lambda scores: functional.mse_loss(scores, _filled(64, 10))),
    "SGD": _steps(lambda weights: torch.optim.SGD(weights, 0.01, momentum=0.9, fused=True)),
    "Adam": _steps(lambda weights: torch.optim.Adam(weights, 0.001, fused=True)),
    "normal numbers": _drawn(lambda: torch.randn(10_000)),
    "uniform numbers": _drawn(lambda: torch.rand(10_000)),
    "permutation": _drawn(lambda: torch.randperm(10_000)),
}
