"""Studies without training: simple rules, and configurations whose true accuracy is known."""

import hashlib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage

from suite.recipe import Recipe
from suite.recipe.experiment import Experiment
from suite.recipe.space import read_space
from suite.recipe.trial import Budget
from suite.tuning.rules import Outcome, Rules, Task
from suite.tuning.study import Study, Trial

RATES = {"lr": "1e-4..1e-1", "batch_size": "32..256"}
RECIPE = {
    "data": "digits", "loss": "cross-entropy", "optimizer": "sgd", "lr": 0.003, "batch_size": 64, "epochs": 6,
}  # fmt: skip

EVERY = ("tpe", "random", "grid", pytest.param("gp", marks=pytest.mark.commands))  # the last one needs torch


def rules_of(space: Mapping[str, str] = RATES, recipe: Mapping[str, Any] | None = None, **changes: Any) -> Rules:
    """Rules of a small study. Keywords replace single rules."""
    experiment = Experiment("small", Path("small.py"), Recipe(**{**RECIPE, **(recipe or {})}), lambda: None, "a text")
    rules: dict[str, Any] = {
        "study": "small", "experiment": experiment, "space": read_space(space), "budget": Budget("samples", 6),
        "seeds": 3, "generation": 8, "sampler": "random", "study_seed": 0, "objective": "accuracy", "pruning": True,
    }  # fmt: skip
    return Rules(**{**rules, **changes})


def study_in(storage: BaseStorage | str | None, rules: Rules) -> Study:
    """Find or make the study of these rules in a storage, as a new command does."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = ["maximize", "minimize"] if rules.objective == "both" else ["maximize"]
    made = optuna.create_study(study_name=rules.study, storage=storage, directions=directions, load_if_exists=True)
    return Study(made, rules)


def plain(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    """The facts about trials that must not depend on interruptions or on the order of training."""
    return [
        (one.number, one.values, one.state, one.results, one.reports,
         {key: value for key, value in one.facts.items() if key != "at"})
        for one in trials
    ]  # fmt: skip


def truth(values: Mapping[str, Any]) -> float:
    """The true accuracy of a configuration; the best is lr 0.01 with batches of 64."""
    rate, size = math.log10(values.get("lr", 0.01)) + 2, math.log2(values.get("batch_size", 64)) - 6
    return 0.9 - 0.03 * rate**2 - 0.005 * abs(size)


def noise(values: Mapping[str, Any], seed: int, salt: object = "") -> float:
    """The random part of a seed: drawn from N(0, 0.01²); it depends only on these three arguments."""
    name = f"{salt}/{sorted(values.items())}/{seed}"
    return random.Random(hashlib.sha256(name.encode()).digest()).gauss(0, 0.01)


def outcome_of(task: Task, salt: object = "") -> Outcome:
    """A simulated training. A short one has a lower accuracy; small batches take more time."""
    lost = 0.02 * (1 - task.portion) * (1 + noise(task.values, task.seed, f"{salt}early"))
    epochs = math.ceil(6 * task.portion - 1e-9)
    return Outcome(
        truth(task.values) + noise(task.values, task.seed, salt) - lost,
        seconds=epochs * (1 + 32 / task.values.get("batch_size", 64)),
        images=1_250 * epochs,
        epochs=epochs,
    )


class Recorder:
    """An evaluation that records the tasks it was given."""

    def __init__(self, outcome: Callable[[Task], Outcome] = outcome_of) -> None:
        self.calls: list[list[Task]] = []
        self._outcome = outcome

    def __call__(self, tasks: Sequence[Task]) -> list[Outcome]:
        self.calls.append(list(tasks))
        return [self._outcome(task) for task in tasks]

    @property
    def tasks(self) -> list[Task]:
        return [task for call in self.calls for task in call]
