"""A rehearsal before the training: do the network's numbers follow from seed, weights and images alone?

A source of chance that no seed governs (`os.urandom`, an unseeded `numpy.random.default_rng()`, the time) has many
names. So we do not look for names: we compute the same numbers twice, with throw-away networks and a few images.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from suite.engine import exact
from suite.engine.batches import normalised
from suite.engine.build import NONE, Network, build_model, plain_loss
from suite.engine.draws import set_seed
from suite.engine.equality import all_same, same
from suite.engine.evaluate import Evaluation, evaluate
from suite.engine.faults import in_file
from suite.engine.sets import Labelled
from suite.engine.tryout import try_functions
from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.arguments import Functions

IMAGES = 4  # enough to see a difference, few enough to cost a few milliseconds
Tensors = list[torch.Tensor]


@dataclass(frozen=True)
class _Call:
    """What one module was given and what it returned."""

    name: str
    given: Tensors
    returned: Tensors


@dataclass(frozen=True)
class _Seen:
    """One computation: its result, and the calls of all modules in the order of their ends."""

    result: Tensors
    calls: list[_Call]


def rehearse(recipe: Recipe, network: Network, seed: int, training: Labelled, functions: Functions = NONE) -> None:
    """Build the network, train it and evaluate it on a few images, each twice, and compare every bit.

    `training` is in CPU memory. Raises `SuiteError` (2) that names the module whose numbers differ. The other
    `functions` of the file are rehearsed too.
    """
    images, labels = training.pick(None, 0, min(IMAGES, recipe.batch_size))
    one, other = build_model(recipe, network, seed), build_model(recipe, network, seed)
    path = Path(network.__code__.co_filename)
    with exact.unchanged(path, "the network's forward()"), in_file(path):
        _require_equal_weights(one, other)
        _require_equal_steps(one, other, normalised(images, recipe), seed)
        require_repeatable(one, lambda: evaluate(one, Labelled(images, labels), recipe, plain_loss(recipe)))
    with exact.unchanged(path, "a function of the file"), in_file(path):
        try_functions(recipe, network, functions, seed, images)


def _require_equal_steps(one: nn.Module, other: nn.Module, pixels: torch.Tensor, seed: int) -> None:
    if where := _difference(_step(one, pixels, seed), _step(other, pixels, seed)):
        raise SuiteError(
            f"{where} computes other numbers from the same images, weights and seed each time: it uses chance that no "
            "seed governs (os.urandom, an unseeded numpy.random.default_rng(), the time), or values that an earlier "
            "call left outside the network.",
            "Draw from torch, numpy.random or random: the suite seeds all three for each epoch.",
        )


def require_repeatable(model: nn.Module, evaluation: Callable[[], Evaluation]) -> None:
    """Raise `SuiteError` (2) that names the module if two evaluations with the same weights differ."""
    if where := _difference(*(_watch(model, lambda: _numbers(evaluation())) for _ in range(2))):
        raise SuiteError(
            f"{where} computes other numbers from the same images and weights at each evaluation, so no accuracy of "
            "the network can be repeated.",
            "Let it draw or count only while self.training is true (functional.dropout needs training=self.training).",
        )


def _numbers(found: Evaluation) -> Tensors:
    return [found.predicted, found.confidence, torch.tensor(found.loss)]


def _require_equal_weights(one: nn.Module, other: nn.Module) -> None:
    again = other.state_dict()
    for name, tensor in one.state_dict().items():
        if name not in again or not same(tensor, again[name]):
            raise SuiteError(
                f"network() makes another {name} under the same seed each time: it uses chance that no seed governs "
                "(os.urandom, an unseeded numpy.random.default_rng(), the time), or values that an earlier call left.",
                "Draw from torch, numpy.random or random: the suite seeds all three before it calls network().",
            )


def _step(model: nn.Module, pixels: torch.Tensor, seed: int) -> _Seen:
    """The forward pass of a training step."""
    set_seed(seed, "rehearsal", 0)
    with torch.no_grad():
        return _watch(model.train(), lambda: _copies(model(pixels)))


def _watch(model: nn.Module, compute: Callable[[], Tensors]) -> _Seen:
    """Compute, and note what each module of the model was given and returned."""
    calls: list[_Call] = []

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, given, returned: calls.append(_Call(name, _copies(given), _copies(returned)))

    hooks = [
        module.register_forward_hook(note(_title(model, name)))
        for name, module in model.named_modules()
        if not isinstance(module, torch.jit.ScriptModule)  # it takes no hooks
    ]
    try:
        return _Seen(compute(), calls)
    finally:
        for hook in hooks:
            hook.remove()


def _title(model: nn.Module, name: str) -> str:
    """`Net`, or `Net.layers.2 (Noise)`."""
    root = type(model).__name__
    return f"{root}.{name} ({type(model.get_submodule(name)).__name__})" if name else root


def _copies(value: Any) -> Tensors:
    """Copies of all tensors in an argument or a result, which may be a tuple, a list or a dict."""
    if isinstance(value, torch.Tensor):
        return [value.clone()]
    parts: Iterable[Any] = value.values() if isinstance(value, dict) else value
    return [copy for part in parts for copy in _copies(part)] if isinstance(value, tuple | list | dict) else []


def _difference(one: _Seen, other: _Seen) -> str:
    """The name of the first module that made different results from the same input; empty if all results are equal."""
    if all_same(one.result, other.result):
        return ""
    for first, second in zip(one.calls, other.calls, strict=False):
        if all_same(first.given, second.given) and not all_same(first.returned, second.returned):
            return first.name
    return "the network"
