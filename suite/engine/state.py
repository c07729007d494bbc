"""The state of a training, which every epoch changes: saving it to a checkpoint and restoring it."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import nn

from suite.disk.documents import Epoch, damaged
from suite.disk.journal import Run
from suite.engine import checkpoint, optimizing
from suite.engine.average import Average
from suite.engine.build import NONE, build_optimizer
from suite.engine.device import compiled, device
from suite.engine.outside import Outside
from suite.engine.rewrite import rewrite
from suite.engine.way import Way, way_of
from suite.recipe import Recipe
from suite.recipe.arguments import Functions

if TYPE_CHECKING:
    from suite.kernels.network import Kernels

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """A model in training with its optimiser and history.

    It has no random generator, because every draw is a function of seed and epoch.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    recipe: Recipe
    way: Way
    history: list[Epoch] = field(default_factory=list)
    best: Tensors = field(default_factory=dict)
    average: Average | None = None
    forward: nn.Module = field(init=False)  # to call for images: the model's own layers, rewritten to be faster

    def __post_init__(self) -> None:
        """Rewrite and, if asked for, compile the model's forward pass."""
        self.forward = compiled(rewrite(self.model))

    @classmethod
    def begun(cls, recipe: Recipe, model: nn.Module, functions: Functions = NONE) -> "State":
        """The state before the first step."""
        average = Average(model, recipe.average) if recipe.average is not None else None
        return cls(model, build_optimizer(recipe, model, functions), recipe, way_of(recipe, model), average=average)

    @cached_property
    def kernels(self) -> "Kernels | None":
        """What computes instead of torch; made at the first use, when the state has been restored."""
        if not self.way.kernels:
            return None
        from suite.kernels.network import Kernels

        return Kernels(self.model, self.optimizer, self.recipe)

    @property
    def own_draws(self) -> bool:
        """Whether no random number may come from torch: in a portable training by the kernels."""
        return self.recipe.portable and self.way.kernels

    def evaluated(self) -> AbstractContextManager[None]:
        """Within it the model has the weights that are evaluated: the averages, if the recipe asks for them."""
        return self.average.in_place() if self.average else nullcontext()

    def kept(self) -> Tensors:
        """The weights that are evaluated, by name."""
        return {**self.model.state_dict(), **(self.average.tensors if self.average else {})}

    def add(self, record: Epoch, *, keep_best: bool) -> None:
        """Add an epoch to the history; with `keep_best`, copy its weights if its validation accuracy is the best."""
        self.history.append(record)
        if keep_best and best_epoch(self.history)[0] == len(self.history) - 1:
            self.best = {name: tensor.clone() for name, tensor in self.kept().items()}


def best_epoch(history: list[Epoch]) -> tuple[int, float]:
    """The index of the first epoch with the highest validation accuracy, and that accuracy."""
    accuracies = [record["val_accuracy"] or 0.0 for record in history]
    return accuracies.index(max(accuracies)), max(accuracies)


def save(run: Run, state: State, outside: Outside) -> None:
    """Save a finished epoch. The checkpoint is written first, because a resumed run starts from it alone.

    Raises `SuiteError` (2) if the network keeps something outside its `state_dict` that cannot be saved.
    """
    attributes, others = outside.changed()
    internal, plain = optimizing.saved(state.optimizer)
    tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
    tensors |= {f"optimizer.{name}": tensor for name, tensor in internal.items()}
    tensors |= {f"average.{name}": tensor for name, tensor in state.average.tensors.items()} if state.average else {}
    tensors |= {f"outside.{name}": tensor for name, tensor in others.items()}
    facts = {"identity": run.identity, "seed": run.seed, "history": state.history, "outside": attributes}
    facts["optimizer"] = plain
    checkpoint.save(run.checkpoint, tensors, facts)
    run.write_history(state.history)


def restore(run: Run, state: State, outside: Outside) -> State:
    """The same `state` as the run's checkpoint has it; as it is if there is none.

    Raises `SuiteError` (2) if the checkpoint is damaged or belongs to another run, (3) if it cannot be read.
    """
    if not os.path.lexists(run.checkpoint):
        return state
    tensors, facts = checkpoint.load(run.checkpoint)
    if (facts.get("identity"), facts.get("seed")) != (run.identity, run.seed):
        raise damaged(run.checkpoint, "it belongs to another run")
    if not isinstance(facts.get("history"), list):
        raise damaged(run.checkpoint, "it holds no history")
    run.heal_history(facts["history"])
    try:
        state.model.load_state_dict(_part(tensors, "model."))
        optimizing.load(state.optimizer, _part(tensors, "optimizer."), facts["optimizer"])
        if state.average:
            state.average.tensors = {name: tensor.to(device()) for name, tensor in _part(tensors, "average.").items()}
        outside.restore(facts["outside"], _part(tensors, "outside."))
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise damaged(run.checkpoint, "its tensors do not fit the network") from error
    state.history, state.best = facts["history"], _part(tensors, "best.")
    return state


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
