"""How long a training step and an evaluation take, beside a reference of the same kind of work.

Run and kept: python -m pytest tests/benchmarks --benchmark-enable --benchmark-autosave
Compared with what was kept: python -m pytest tests/benchmarks --benchmark-enable --benchmark-compare
Else each is done once, and not timed.
Nothing here asserts a time: a machine's hour is not the program's merit.
"""

import statistics
import time

import pytest
import torch

from suite.benching.loops import usual, usual_loss
from suite.engine.batches import normalised
from suite.engine.build import build_loss, build_model
from suite.engine.epoch import train_epoch
from suite.engine.evaluate import look
from suite.engine.sets import Labelled, Sets
from suite.engine.state import State
from suite.recipe import registry

pytestmark = pytest.mark.benchmark(min_rounds=5, max_time=0.5, warmup=True)
EXPERIMENTS = sorted(registry.load().experiments)
IMAGES = 1_000
PAIRS = 10


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (IMAGES, 1, 28, 28), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def labels():
    return torch.randint(10, (IMAGES,), generator=torch.Generator().manual_seed(1))


def bare_steps(experiment, images, labels):
    """The same steps as an expert would type them."""
    recipe = experiment.recipe
    model, optimizer = usual(experiment)
    pixels = normalised(images, recipe)

    def train_on_some():
        for chosen in torch.arange(min(IMAGES, 10 * recipe.batch_size)).split(recipe.batch_size):
            optimizer.zero_grad()
            usual_loss(recipe, model(pixels[chosen]), labels[chosen]).backward()
            optimizer.step()

    return train_on_some


def in_turn(one, other):
    """How many times as long the one takes as the other: the median of pairs, in the order AB, BA, AB ..."""
    ratios = []
    for turn in range(PAIRS):
        seconds = {}
        for work in (one, other) if turn % 2 else (other, one):
            begun = time.perf_counter()
            work()
            seconds[work] = time.perf_counter() - begun
        ratios.append(seconds[one] / seconds[other])
    return statistics.median(ratios)


@pytest.fixture(params=["kernels", "torch"])
def way(request, monkeypatch):
    """Who computes; torch does in any case what the kernels do not know."""
    monkeypatch.setenv("SUITE_KERNELS", "torch" if request.param == "torch" else "auto")
    return request.param


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_training_steps(benchmark, images, labels, name):
    experiment = registry.load().experiments[name].changed({"data": "digits"})
    recipe = experiment.recipe
    model = build_model(recipe, experiment.network, seed=0)
    state, loss_of, some = State.begun(recipe, model), build_loss(recipe), slice(0, 10 * recipe.batch_size)
    sets = Sets(Labelled(images[some], labels[some]))
    before = [parameter.clone() for parameter in model.parameters()]

    def train_on_some():
        train_epoch(state, recipe, sets, loss_of, 0, 0, lambda _: None, lambda *_: False, 100)

    benchmark(train_on_some)

    if benchmark.stats:
        benchmark.extra_info["times_as_long_as_bare"] = in_turn(train_on_some, bare_steps(experiment, images, labels))
        benchmark.extra_info["images_per_second"] = len(labels[some]) / benchmark.stats.stats.median
    assert any(not torch.equal(now, then) for now, then in zip(model.parameters(), before, strict=True))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_evaluation(benchmark, images, labels, name):
    experiment = registry.load().experiments[name].changed({"data": "digits"})
    state = State.begun(experiment.recipe, build_model(experiment.recipe, experiment.network, seed=0))

    found = benchmark(look, state, Labelled(images, labels))

    if benchmark.stats:
        benchmark.extra_info["images_per_second"] = IMAGES / benchmark.stats.stats.median
    assert len(found.predicted) == IMAGES
