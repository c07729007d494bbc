"""The rehearsal of the optional functions of a file: called twice they agree, and a saved optimiser goes on alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from suite.engine import optimizing
from suite.engine.augment import augmenting
from suite.engine.build import build_loss, build_model, build_optimizer
from suite.engine.draws import set_seed
from suite.engine.equality import all_same
from suite.engine.faults import in_file
from suite.engine.own import own_schedule, own_score
from suite.engine.schedule import set_rate
from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.arguments import Functions

STEPS = 6  # of the optimiser before the state is saved, and again after it
Tensors = list[torch.Tensor]


def try_functions(
    recipe: Recipe, network: Callable[..., Any], functions: Functions, seed: int, images: torch.Tensor
) -> None:
    """Call each function that the recipe uses with a few images uint8 (n, …); raises `SuiteError` (2)."""
    scores = torch.randn(len(images), recipe.classes, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(len(images)) % recipe.classes
    if change := augmenting(recipe, functions, seed, 0):
        _require_equal("augment", lambda: [change(0, images)])
    if recipe.loss == "own":
        _require_equal("loss", lambda: _loss_and_gradient(recipe, functions, scores, labels))
    if recipe.schedule == "own":
        shape = own_schedule(recipe, functions)
        _require_equal("schedule", lambda: [torch.tensor([shape(step, 10, recipe.lr) for step in (0, 5, 9)])])
    if "score" in functions:
        score = own_score(recipe, functions)
        _require_equal("score", lambda: [torch.tensor(score(scores, labels))])
    if recipe.optimizer == "own":
        with in_file(Path(functions["optimizer"].__code__.co_filename), "optimizer"):
            _require_resumable(*(_Stepping(recipe, network, functions, seed) for _ in range(3)))


def _require_equal(role: str, compute: Callable[[], Tensors]) -> None:
    if not all_same(*(_seeded(compute) for _ in range(2))):
        raise SuiteError(
            f"{role}() computes other numbers from the same arguments and seed each time: it uses chance that no seed "
            "governs, or values that an earlier call left.",
            "Draw from torch, numpy.random or random, or from the generator that it is given.",
        )


def _seeded(compute: Callable[[], Tensors]) -> Tensors:
    set_seed(0, "rehearsal", 0)
    return compute()


def _loss_and_gradient(recipe: Recipe, functions: Functions, scores: torch.Tensor, labels: torch.Tensor) -> Tensors:
    scores = scores.clone().requires_grad_()
    loss = build_loss(recipe, functions)(scores, labels)
    loss.backward()
    return [loss.detach(), torch.zeros(()) if scores.grad is None else scores.grad]


class _Stepping:
    """A new network that the file's optimiser trains by drawn gradients."""

    def __init__(self, recipe: Recipe, network: Callable[..., Any], functions: Functions, seed: int) -> None:
        self.model = build_model(recipe, network, seed)
        self.optimizer = build_optimizer(recipe, self.model, functions)
        self._rate = recipe.lr

    def go(self, first: int) -> Tensors:
        """`STEPS` steps from the step `first`; returns copies of the weights."""
        for step in range(first, first + STEPS):
            set_seed(0, "rehearsal", step)
            for weights in self.model.parameters():
                if weights.requires_grad:
                    weights.grad = torch.randn_like(weights) / 10
            set_rate(self.optimizer, self._rate)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return [weights.detach().clone() for weights in self.model.parameters()]

    def take_over(self, other: "_Stepping") -> None:
        """Begin where the other is, as a resumed run does."""
        self.model.load_state_dict(other.model.state_dict())
        tensors, facts = optimizing.saved(other.optimizer)
        optimizing.load(self.optimizer, {name: tensor.clone() for name, tensor in tensors.items()}, facts)


def _require_resumable(one: _Stepping, other: _Stepping, resumed: _Stepping) -> None:
    if not all_same(one.go(0), other.go(0)):
        raise SuiteError(
            "the optimizer makes other steps from the same gradients and seed each time: it uses chance that no seed "
            "governs, or values that an earlier call left.",
            "Draw from torch, numpy.random or random.",
        )
    resumed.take_over(one)
    if not all_same(one.go(STEPS), resumed.go(STEPS)):
        raise SuiteError(
            "the optimizer keeps something that its state_dict does not hold: after an interruption the run would come "
            "to other weights.",
            "Keep it in self.state[parameter], or as numbers in self.param_groups.",
        )
