"""The optional functions of an experiment's file, ready to be called: hyper-parameters set, results checked."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from suite.engine.faults import in_file
from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.arguments import Functions, bound


def own_loss(recipe: Recipe, functions: Functions) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A function of scores (n, classes) and labels int64 (n,): one number that can be differentiated."""

    def call(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with _calling(recipe, functions, "loss") as function:
            found = function(scores, labels)
            if not isinstance(found, torch.Tensor) or found.dim() or not found.is_floating_point():
                raise _wrong("loss", found, "one number as a float tensor, such as the mean over the images")
            if scores.requires_grad and not found.requires_grad:
                raise SuiteError("loss() does not depend on the scores.", "Compute it by torch, without detach().")
            return found

    return call


def own_optimizer(recipe: Recipe, functions: Functions, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
    """The optimiser that the file makes for these parameters. Its rate is set before each step."""
    with _calling(recipe, functions, "optimizer") as function:
        found = function(parameters, recipe.lr, recipe.momentum, recipe.weight_decay, recipe.betas)
        if not isinstance(found, torch.optim.Optimizer):
            raise _wrong("optimizer", found, "a torch.optim.Optimizer")
        return found


def own_schedule(recipe: Recipe, functions: Functions) -> Callable[[int, int, float], float]:
    """A function of the step (from 0), the number of steps, and the recipe's rate: the rate of that step."""

    def call(step: int, steps: int, lr: float) -> float:
        with _calling(recipe, functions, "schedule") as function:
            found = _number(function(step, steps, lr))
            if not 0 <= found < math.inf:
                raise _wrong("schedule", found, "a finite rate that is at least 0")
            return found

    return call


def own_augment(recipe: Recipe, functions: Functions) -> Callable[[torch.Tensor, int, torch.Generator], torch.Tensor]:
    """A function of images uint8 (n, channels, height, width) and a generator: as many images of the same shape."""

    def call(images: torch.Tensor, _none: int, generator: torch.Generator) -> torch.Tensor:
        with _calling(recipe, functions, "augment") as function:
            found = function(images.clone(), generator)  # a copy: it may write into what it is given
            if not isinstance(found, torch.Tensor) or (found.shape, found.dtype) != (images.shape, torch.uint8):
                raise _wrong("augment", found, f"bytes (uint8) of the shape {tuple(images.shape)}, as it was given")
            return found

    return call


def own_score(recipe: Recipe, functions: Functions) -> Callable[[torch.Tensor, torch.Tensor], float]:
    """A function of all scores (n, classes) and labels int64 (n,) of the test images: one finite number."""

    def call(scores: torch.Tensor, labels: torch.Tensor) -> float:
        with _calling(recipe, functions, "score") as function:
            found = _number(function(scores, labels))
            if not math.isfinite(found):
                raise _wrong("score", found, "a finite number")
            return found

    return call


def update(recipe: Recipe, functions: Functions, optimizer: torch.optim.Optimizer) -> None:
    """One step of the optimiser; an error of the file's own one is named as its, not as the network's."""
    own = recipe.optimizer == "own"
    with in_file(Path(functions["optimizer"].__code__.co_filename), "optimizer") if own else nullcontext():
        optimizer.step()
        optimizer.zero_grad()


@contextmanager
def _calling(recipe: Recipe, functions: Functions, role: str) -> Iterator[Callable[..., Any]]:
    """The function of this role; errors in it are named by its file and line."""
    function = functions[role]
    with in_file(Path(function.__code__.co_filename), role):
        yield bound(function, role, recipe.arguments)


def _number(value: Any) -> float:
    """The value of a number or of a tensor with one number; NaN for anything else."""
    if isinstance(value, torch.Tensor):
        return float(value.item()) if value.numel() == 1 else math.nan
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _wrong(role: str, found: Any, wanted: str) -> SuiteError:
    told = f"a tensor {found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else f"{found!r:.80}"
    return SuiteError(f"{role}() must return {wanted}, got {told}.", f"Fix {role}.")
