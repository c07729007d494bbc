"""The rules of a study, which decide all of its trials, and the types that the parts of this room share."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.space import Space
from suite.recipe.trial import Budget
from suite.recipe.values import as_words

SAMPLERS = ("tpe", "gp", "random", "grid")
OBJECTIVES = ("accuracy", "accuracy-per-second", "both")

Values = Mapping[str, Any]  # values of recipe fields, by name


@dataclass(frozen=True)
class Rules:
    """Everything that decides a study's trials. Equal rules give equal trials, however they are trained."""

    study: str
    experiment: Experiment
    space: Space
    budget: Budget
    seeds: int
    generation: int
    sampler: str
    study_seed: int
    objective: str
    pruning: bool

    def facts(self) -> dict[str, Any]:
        """The rules as plain values. They are stored with the study, and a study with other values is another study."""
        recipe, values = self.experiment.recipe.protocol(), self.experiment.recipe.values()
        return {
            "experiment": self.experiment.name,
            "space": {name: dimension.words for name, dimension in self.space.items()},
            "recipe": {name: value for name, value in recipe.items() if name not in self.space},
            "network": hashlib.sha256(self.experiment.trained_text.encode()).hexdigest(),
            "published": {name: values[name] for name in self.space},
            "budget": self.budget.kind,
            "seeds": self.seeds,
            "generation": self.generation,
            "sampler": self.sampler,
            "study_seed": self.study_seed,
            "objective": self.objective,
            "pruning": self.pruning,
        }

    def published(self) -> dict[str, Any]:
        """The recipe's own values of the searched fields."""
        return {name: self.experiment.recipe[name] for name in self.space}

    def with_values(self, values: Values) -> Experiment:
        """The experiment with a trial's values."""
        return self.experiment.changed(values)

    def require_same(self, stored: Mapping[str, Any]) -> None:
        """Raise `SuiteError` (2) if the stored study has other rules; nothing is changed."""
        for name, value in self.facts().items():
            if stored.get(name) != value:
                what = "" if name == "network" else _difference(stored.get(name), value)
                raise SuiteError(
                    f"study {self.study!r} was started with a different value of {name.replace('_', ' ')}{what}.",
                    "Give the same value again, or another name with --study.",
                )


@dataclass(frozen=True)
class Task:
    """Train one configuration under one seed until a portion of the budget is spent."""

    values: Values
    seed: int
    portion: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """The result of a task: accuracy on the validation images and cost, or the reason why there is no accuracy."""

    accuracy: float
    seconds: float = 0.0
    images: int = 0
    epochs: int = 0
    diverged: str = ""


Evaluate = Callable[[Sequence[Task]], list[Outcome]]


def objective_values(objective: str, outcomes: Sequence[Outcome]) -> tuple[float, ...]:
    """A configuration's objective values over its seeds so far. Larger is better, except for the seconds of `both`."""
    accuracy, seconds = fmean(one.accuracy for one in outcomes), fmean(one.seconds for one in outcomes)
    match objective:
        case "accuracy":
            return (accuracy,)
        case "accuracy-per-second":
            return (accuracy / max(seconds, 1e-9),)
    return accuracy, seconds


def _difference(stored: Any, asked: Any) -> str:
    """The stored and the given value, such as `: 3, not 5`; of a mapping only the fields that differ."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        fields = sorted(name for name in {*stored, *asked} if stored.get(name) != asked.get(name))
        stored, asked = (as_words({name: one[name] for name in fields if name in one}) for one in (stored, asked))
    return f": {stored or 'none'}, not {asked or 'none'}"
