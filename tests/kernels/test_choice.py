"""The kernels take a network only if they compute all of it; each other one goes by torch, with the reason."""

import sys

import pytest
import torch
from torch import nn

from suite.engine import way
from suite.engine.train import train
from suite.engine.way import way_of
from suite.kernels.layers import operations
from suite.kernels.weights import Unknown
from tests.engine.conftest import small_experiment
from tests.engine.test_train import quiet

SHAPE = (1, 8, 8)


def network(*layers: nn.Module, inputs: int = 64) -> nn.Sequential:
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, 10))


def tied() -> nn.Module:
    first, second = nn.Linear(64, 64), nn.Linear(64, 64)
    second.weight = first.weight
    return nn.Sequential(nn.Flatten(), first, second, nn.Linear(64, 10))


def in_the_same_memory() -> nn.Module:
    first, second = nn.Linear(64, 64), nn.Linear(64, 64)
    second.weight = nn.Parameter(first.weight.data)
    return nn.Sequential(nn.Flatten(), first, second, nn.Linear(64, 10))


def used_twice() -> nn.Module:
    same = nn.Linear(64, 64)
    return nn.Sequential(nn.Flatten(), same, same, nn.Linear(64, 10))


def with_more_weights(on: type[nn.Module]) -> nn.Module:
    model = network()
    layer = next(one for one in model.modules() if type(one) is on)
    layer.register_parameter("more", nn.Parameter(torch.ones(3)))
    return model


def with_hook(register: str, on: int) -> nn.Module:
    model = network(nn.ReLU())
    getattr([model, *model][on], register)(lambda *_: None)
    return model


def with_gradient_hook(register: str) -> nn.Module:
    model = network()
    getattr(model[-1].weight, register)(lambda _: None)
    return model


def with_own_forward() -> nn.Module:
    model = network(nn.ReLU())
    model[0].forward = lambda images: images + 1
    return model


def frozen() -> nn.Module:
    model = network(nn.Conv2d(1, 1, 3, padding=1))
    model[0].weight.requires_grad_(False)
    return model


class Doubling(nn.ReLU):
    def forward(self, images):
        return 2 * super().forward(images)


class Skipping(nn.Sequential):
    def forward(self, images):
        return images.flatten(1) @ torch.ones(64, 10)


def unlike_torchs_batch_norm(**options: object) -> nn.Module:
    return network(nn.BatchNorm2d(1, **options))


def convolution(**options: object) -> nn.Module:
    layer = nn.Conv2d(**{"in_channels": 1, "out_channels": 4, "kernel_size": 3, **options})
    return network(layer, inputs=layer(torch.zeros(1, *SHAPE)).numel())


def pool(layer: nn.Module) -> nn.Module:
    return network(layer, inputs=layer(torch.zeros(1, *SHAPE)).numel())


LEFT = {
    "a network of its own": lambda: Skipping(nn.Flatten(), nn.Linear(64, 10)),
    "a Sequential of its own within": lambda: nn.Sequential(Skipping(nn.Flatten(), nn.Linear(64, 10))),
    "a layer of its own": lambda: network(Doubling()),
    "an unknown layer": lambda: network(nn.Softplus()),
    "a layer used twice": used_twice,
    "shared weights": tied,
    "weights in the same memory": in_the_same_memory,
    "frozen weights": frozen,
    "weights of 64 bits": lambda: network().double(),
    "more weights in a layer": lambda: with_more_weights(nn.Linear),
    "more weights in the whole": lambda: with_more_weights(nn.Sequential),
    "weights elsewhere": lambda: with_more_weights(nn.Flatten),
    "a forward function of its own": with_own_forward,
    **{f"{register} on {on}": lambda register=register, on=on: with_hook(register, on)
       for register in ("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
                        "register_full_backward_pre_hook") for on in (0, 1)},
    "a hook on a gradient": lambda: with_gradient_hook("register_hook"),
    "a hook after a gradient": lambda: with_gradient_hook("register_post_accumulate_grad_hook"),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(network()[-1]) and nn.Sequential(
        nn.Flatten(), nn.utils.parametrizations.weight_norm(nn.Linear(64, 10))),
    "flattened in part": lambda: nn.Sequential(nn.Flatten(2), nn.Flatten(), nn.Linear(64, 10)),
    "a linear layer on images": lambda: nn.Sequential(nn.Linear(8, 10), nn.Flatten(), nn.Linear(80, 10)),
    "batch norm without running figures": lambda: unlike_torchs_batch_norm(track_running_stats=False),
    "batch norm with plain means": lambda: unlike_torchs_batch_norm(momentum=None),
    "batch norm without bias": lambda: unlike_torchs_batch_norm(bias=False),
    "groups": lambda: convolution(in_channels=1, groups=1, dilation=2),
    "dilation across": lambda: convolution(dilation=(1, 2)),
    "reflected padding": lambda: convolution(padding=1, padding_mode="reflect"),
    "more padding on one side": lambda: network(nn.Conv2d(1, 1, 4, padding="same")),
    "max-pool, ceil_mode": lambda: pool(nn.MaxPool2d(3, ceil_mode=True)),
    "max-pool of halves, ceil_mode": lambda: network(nn.Conv2d(1, 4, 2), nn.MaxPool2d(2, ceil_mode=True), inputs=64),
    "max-pool, dilation": lambda: pool(nn.MaxPool2d(2, dilation=2)),
    "max-pool of halves, dilation": lambda: network(nn.Conv2d(1, 4, 1), nn.MaxPool2d(2, dilation=2), inputs=36),
    "mean-pool, ceil_mode": lambda: pool(nn.AvgPool2d(3, ceil_mode=True)),
    "mean-pool, its own divisor": lambda: pool(nn.AvgPool2d(2, divisor_override=3)),
    "adaptive pool that does not divide": lambda: pool(nn.AdaptiveAvgPool2d(3)),
    "adaptive pool of one side": lambda: pool(nn.AdaptiveAvgPool2d((None, 2))),
    "LeakyReLU that turns": lambda: network(nn.LeakyReLU(-0.1)),
    "GELU by tanh": lambda: network(nn.GELU("tanh")),
    "no weights": lambda: nn.Sequential(nn.Flatten()),
    "no Flatten": lambda: nn.Sequential(nn.Conv2d(1, 10, 8)),
    "a layer for other images": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10)),
    "a layer for more features": lambda: network(inputs=65),
    "batch norm of other channels": lambda: network(nn.BatchNorm2d(2)),
}  # fmt: skip


@pytest.mark.parametrize("made", LEFT.values(), ids=LEFT)
def test_what_the_kernels_do_not_compute_goes_by_torch(made):
    model = made()
    with pytest.raises(Unknown) as unknown:
        operations(model, SHAPE)
    assert str(unknown.value)
    found = way_of(small_experiment().recipe, model)
    assert not found.kernels


def test_groups_and_returned_places_go_by_torch():
    with pytest.raises(Unknown):
        operations(nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.Flatten(), nn.Linear(144, 10)), (2, 8, 8))
    for pooled in (nn.MaxPool2d(3, return_indices=True), nn.AdaptiveMaxPool2d(4, return_indices=True)):
        with pytest.raises(Unknown):
            operations(network(pooled), SHAPE)
    halves = nn.MaxPool2d(2, return_indices=True)
    with pytest.raises(Unknown):
        operations(network(nn.Conv2d(1, 4, 1), halves), SHAPE)


def test_a_hook_on_all_modules_goes_by_torch():
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        with pytest.raises(Unknown, match="hook"):
            operations(network(), SHAPE)
    finally:
        handle.remove()


def test_a_layer_without_weights_may_stand_at_two_places():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), relu, nn.Linear(8, 8), relu, nn.Linear(8, 10))

    assert [one.kind for one in operations(model, SHAPE)] == ["linear", "relu", "linear", "relu", "linear"]


@pytest.mark.parametrize("kernel", [nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 3, bias=False), nn.Conv2d(1, 4, (2, 5), 3, 2)])
def test_a_plain_network_goes_by_the_kernels(kernel):
    model = convolution()
    model[0] = kernel
    inputs = kernel(torch.zeros(1, *SHAPE)).numel()

    assert operations(network(kernel, inputs=inputs), SHAPE)


@pytest.fixture
def unasked(monkeypatch):
    """Whether Numba can be loaded is asked once for a process."""
    way._missing.cache_clear()
    yield monkeypatch
    way._missing.cache_clear()


def test_where_numba_cannot_be_loaded_torch_trains_and_the_record_says_why(unasked, run_of, experiment, digits):
    for name in [name for name in sys.modules if name.partition(".")[0] == "numba" or "suite.kernels." in name]:
        unasked.delitem(sys.modules, name)
    unasked.setitem(sys.modules, "numba", None)
    small = experiment(epochs=1)
    run = run_of(small)

    with run.claim():
        result = train(run, small, digits, quiet)

    assert result["environment"]["way"] == "torch instead: Numba cannot be loaded (ModuleNotFoundError)"


def test_where_numba_may_not_compile_torch_trains(unasked):
    from numba.core import config

    unasked.setattr(config, "DISABLE_JIT", 1)

    plain = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert str(way_of(small_experiment().recipe, plain)) == "torch instead: NUMBA_DISABLE_JIT is set"


def test_the_reason_is_the_networks_whatever_the_variables_say(monkeypatch):
    recipe, plain, odd = small_experiment().recipe, nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), nn.Linear(784, 10)
    before = str(way_of(recipe, odd))
    monkeypatch.setenv("SUITE_KERNELS", "torch")

    assert str(way_of(recipe, odd)) == before
    assert before.startswith("torch: ")
    assert str(way_of(recipe, plain)) == "torch instead: SUITE_KERNELS=torch"
