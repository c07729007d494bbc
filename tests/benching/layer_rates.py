"""How many operations a second each layer reaches, by the kernels and by torch: run as a module.

    python -m tests.benching.layer_rates lenet cnn mlp

For each convolution and linear layer of an experiment: thousand million operations (a product and its addition are two)
per second of processor time, forwards and backwards, for one batch of the recipe.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from suite.engine import exact
from suite.engine.build import build_model, build_optimizer
from suite.kernels import fields as f
from suite.kernels.layers import Operation, operations
from suite.kernels.network import Kernels
from suite.recipe.experiment import Experiment
from suite.recipe.registry import load

ROUNDS = 9


def seconds(work: Callable[[], object]) -> float:
    """The median processor time of one call."""
    work()
    begun = time.process_time()
    work()
    calls = max(1, int(0.02 / max(time.process_time() - begun, 1e-6)))
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(calls):
            work()
        found.append((time.process_time() - begun) / calls)
    return statistics.median(found)


def by_kernels(kernels: Kernels, row: int, column: int, n: int) -> float:
    """The time of one operation for a batch."""
    import ctypes

    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_ssize_t] * 3)
    table = kernels.plan.training
    call, blocks = function(int(table[row, column])), -(-n // 16)
    return seconds(lambda: call(kernels.array.ctypes.data, table[row].ctypes.data, 0, blocks, n))


def by_torch(one: Operation, n: int, first: bool) -> tuple[float, float]:
    """The times of torch's layer, in the memory format that the engine gives images."""
    x = torch.rand(n, *one.given) if one.kind == "convolution" else torch.rand(n, one.layer.in_features)
    if one.kind == "convolution":
        x = x.contiguous(memory_format=torch.channels_last)
    x.requires_grad_(not first)
    forward = seconds(lambda: one.layer(x))
    out = one.layer(x)
    gradient = torch.rand_like(out)
    inputs = [*one.layer.parameters(), *([] if first else [x])]
    return forward, seconds(lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True))


def rows(experiment: Experiment) -> None:
    """Print a row for each layer."""
    recipe, n = experiment.recipe, experiment.recipe.batch_size
    model = build_model(recipe, experiment.network, 0)
    kernels = Kernels(model, build_optimizer(recipe, model), recipe)
    images = torch.randint(0, 256, (n, *recipe.shape), dtype=torch.uint8)
    kernels.step(images, torch.arange(n) % recipe.classes)
    for k, one in enumerate(operations(model, recipe.shape)):
        if one.kind not in ("convolution", "linear"):
            continue
        first = int(kernels.plan.training[k, f.GX]) < 0
        work = 2e-9 * n * one.layer.weight.numel() * one.before[1] * one.before[2]
        ours = [by_kernels(kernels, k, column, n) for column in (f.FORWARD, f.BACKWARD)]
        theirs = by_torch(one, n, first)
        rates = [
            times * work / spent
            for pair in (ours, theirs)
            for times, spent in zip((1, 1 if first else 2), pair, strict=True)
        ]
        words = " | ".join(f"{rate:.0f}" for rate in rates)
        print(f"| `{experiment.name}` | {one.kind} {tuple(one.layer.weight.shape)} | {words} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="+")
    exact.make_exact()
    print(
        "| experiment | layer | kernels forwards | backwards | torch forwards | backwards |\n|---|---|---|---|---|---|"
    )
    for experiment in load().choose(parser.parse_args().experiments):
        rows(experiment)


if __name__ == "__main__":
    main()
