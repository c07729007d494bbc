"""How much of the processor's peak each layer of a training step reaches, by the kernels and by torch: a module to run.

    python -m tests.benching.layer_rates lenet cnn mlp

The peak is the rate of a loop that does nothing but multiply-adds of 16 numbers, on one core. For each convolution and
linear layer of an experiment the first table has the share of it that is reached for one batch of the recipe: forwards,
for the gradient of the layer's input and for that of its weights. A product and its addition are two operations; those
with padding do not count. The kernels' times of a convolution include its bias and pool. Each layer is measured alone,
again and again; what it takes longer in a step, because its numbers have left the cache, is in "the rest" of the second
table, which has the parts of a whole step. All times are processor time of one thread, the two ways alternate, and the
figure is the median.
"""

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from numba import cfunc, types

from suite.engine import exact
from suite.engine.build import build_loss, build_model, build_optimizer
from suite.engine.epoch import _torchs_step
from suite.engine.state import State
from suite.engine.way import Way
from suite.kernels import fields as f
from suite.kernels.layers import Operation, operations
from suite.kernels.network import Kernels
from suite.kernels.products import MEMORY, WHOLE
from suite.kernels.shapes import padding_of
from suite.kernels.tiles import tile_load, tile_outer, tile_store
from suite.recipe.experiment import Experiment
from suite.recipe.registry import load

ROUNDS = 15
Work = Callable[[], object]


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer: operations forwards, and two ways to work, the kernels' and torch's."""

    words: str
    operations: float
    forwards: tuple[Work, Work]
    images: tuple[Work, Work] | None
    weights: tuple[Work, Work]


def seconds(*works: Work) -> list[float]:
    """The median processor time of one call of each; they take turns."""
    calls = []
    for work in works:
        work()
        begun = time.thread_time()
        work()
        calls.append(max(1, int(0.01 / max(time.thread_time() - begun, 1e-6))))
    found: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, count, times in zip(works, calls, found, strict=True):
            begun = time.thread_time()
            for _ in range(count):
                work()
            times.append((time.thread_time() - begun) / count)
    return [statistics.median(times) for times in found]


def peak() -> float:
    """Operations per second of 16 sums that get a product each, again and again."""

    def turns(a, count):
        tile = tile_load(a, 0, 16, 16, 16)
        for _ in range(count):
            tile = tile_outer(tile, a, 256, 16, 4, 256, 16)
        tile_store(a, 0, 16, tile)

    loop, count = cfunc(types.void(MEMORY, WHOLE))(turns), 200_000
    array = torch.full((320,), 0.5)
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)(loop.address)
    return 2 * 16 * 16 * count / min(seconds(lambda: call(array.data_ptr(), count))[0] for _ in range(3))


def by_kernels(kernels: Kernels, row: int, column: int, n: int, **others: int) -> Work:
    """One operation for a batch; `others` are columns that differ from the plan's."""
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_ssize_t] * 3)
    table = kernels.plan.training[row].copy()
    for name, value in others.items():
        table[getattr(f, name)] = value
    call, blocks = function(int(table[column])), -(-n // 16)
    return lambda: call(kernels.array.ctypes.data, table.ctypes.data, 0, blocks, n)


def by_torch(one: Operation, n: int) -> tuple[Work, Work, Work]:
    """torch's layer, in the memory format that the engine gives images: forwards, and its two gradients."""
    layer: Any = one.layer
    x = torch.rand(n, *one.given) if one.kind == "convolution" else torch.rand(n, layer.in_features)
    if one.kind == "convolution":
        x = x.contiguous(memory_format=torch.channels_last)
    x.requires_grad_()
    out = layer(x)
    gradient = torch.rand_like(out)

    def gradients(*inputs: torch.Tensor) -> Work:
        return lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True)

    return lambda: layer(x.detach()), gradients(x), gradients(*layer.parameters())


def products(one: Operation) -> int:
    """How many an image needs, without those that have padding for a factor."""
    layer: Any = one.layer
    count = layer.weight.shape[0] * layer.weight.shape[1]
    if one.kind == "convolution":
        for axis, padding in enumerate(padding_of(layer)):
            size, most = layer.kernel_size[axis], one.given[axis + 1]
            firsts = [k * layer.stride[axis] - padding for k in range(one.before[axis + 1])]
            count *= sum(min(first + size, most) - max(first, 0) for first in firsts)
    return count


def layers(kernels: Kernels, found: list[Operation], n: int) -> list[Layer]:
    """The layers that multiply. Theirs is nearly all work; the rest of a step is in the second table."""
    made = []
    for k, one in enumerate(found):
        if one.kind not in ("convolution", "linear"):
            continue
        layer: Any = one.layer
        forwards, images, weights = by_torch(one, n)
        whole, alone = by_kernels(kernels, k, f.BACKWARD, n), by_kernels(kernels, k, f.BACKWARD, n, GX=-1)
        work = 2.0 * n * products(one)
        words = f"{one.kind} {' × '.join(str(size) for size in layer.weight.shape)}"
        pair = (whole, images) if kernels.plan.training[k, f.GX] >= 0 else None
        made.append(Layer(words, work, (by_kernels(kernels, k, f.FORWARD, n), forwards), pair, (alone, weights)))
    return made


def shares(layer: Layer, most: float) -> tuple[list[str], float]:
    """A layer's cells, in percent of the peak, and the kernels' seconds. Both gradients are one pass: a difference."""
    forwards, weights = seconds(*layer.forwards), seconds(*layer.weights)
    parts, spent = [forwards, None, weights], forwards[0] + weights[0]
    if layer.images:
        whole, theirs = seconds(*layer.images)
        parts[1], spent = [max(whole - weights[0], 1e-9), theirs], forwards[0] + whole
    percent = [
        [f"{100 * layer.operations / (one * most):.0f}" for one in part] if part else ["–", "–"] for part in parts
    ]
    return [pair[way] for way in (0, 1) for pair in percent], spent


def parts(kernels: Kernels, found: list[Operation], images: Any, labels: Any) -> dict[str, float]:
    """The seconds of what is no convolution or linear layer, for a batch."""
    n, plan, memory = len(labels), kernels.plan, kernels.array.ctypes.data
    walk = memory, plan.training.ctypes.data, len(plan.training)
    where = plan.scores, plan.gradient, plan.scratch, 0.0, kernels.sums.ctypes.data
    works: dict[str, list[Work]] = {
        "other layers": [
            by_kernels(kernels, k, column, n)
            for k, one in enumerate(found)
            for column in (f.FORWARD, f.BACKWARD)
            if one.kind not in ("convolution", "linear") and plan.training[k, column]
        ],
        "images": [lambda: kernels._read(images, n)],
        "loss": [lambda: kernels._loss(memory, labels.data_ptr(), n, kernels.classes, *where)],
        "update": [lambda: kernels._updated(kernels.optimizer.param_groups[0], memory)],
        "packing": [lambda: kernels._forward(*walk, 0), lambda: kernels._backward(*walk, 0)],  # a batch of no image
    }
    return {name: sum(seconds(*some)) for name, some in works.items()}


def shown(experiment: Experiment, most: float) -> str:
    """Print a row for each layer; returns the second table's row."""
    recipe, n = experiment.recipe, experiment.recipe.batch_size
    torch.manual_seed(0)
    images = torch.randint(0, 256, (n, *recipe.shape), dtype=torch.uint8)
    labels = torch.arange(n) % recipe.classes
    model, other = (build_model(recipe, experiment.network, 0) for _ in range(2))
    kernels = Kernels(model, build_optimizer(recipe, model), recipe)
    theirs, loss_of = State(other, build_optimizer(recipe, other), recipe, Way(False)), build_loss(recipe)
    for optimizer in (kernels.optimizer, theirs.optimizer):
        optimizer.param_groups[0]["lr"] = 1e-6  # so that the numbers stay like those at the start
    step, torchs = seconds(
        lambda: kernels.step(images, labels),
        lambda: (theirs.optimizer.zero_grad(), _torchs_step(theirs, recipe, images, labels, loss_of, None)),
    )
    found = operations(model, recipe.shape)
    total, spent = 0.0, 0.0
    for layer in layers(kernels, found, n):
        cells, took = shares(layer, most)
        total += layer.operations * (3 if layer.images else 2)
        spent += took
        print(f"| `{experiment.name}` | {layer.words} | {' | '.join(cells)} | {100 * took / step:.0f} |", flush=True)
    rest = parts(kernels, found, images, labels)
    left = step - spent - sum(rest.values())
    percent = [100 * total / (one * most) for one in (step, torchs)]
    cells = [f"{1e6 * step:.0f}", *(f"{100 * one / step:.1f}" for one in (*rest.values(), left))]
    return f"| `{experiment.name}` | {' | '.join(cells)} | {percent[0]:.0f} | {percent[1]:.0f} |"


def table(*names: str) -> None:
    print(f"\n| {' | '.join(names)} |\n|{'---|' * len(names)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="+")
    exact.make_exact()
    chosen = load().choose(parser.parse_args().experiments)
    most = peak()
    print(f"The peak: {1e-9 * most:.0f} thousand million operations a second; shares of it in percent.")
    gradients = "forwards", "image gradient", "weight gradient"
    table("experiment", "layer", *gradients, *(f"torch {name}" for name in gradients), "share of the kernels' step")
    steps = [shown(experiment, most) for experiment in chosen]
    table("experiment", "step, µs", "other layers, %", "images, %", "loss, %", "update, %", "packing, %", "the rest, %",
          "share of the peak", "torch's share")  # fmt: skip
    print("\n".join(steps))


if __name__ == "__main__":
    main()
