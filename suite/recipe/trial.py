"""The budget, the training images and the identity of a study's trial. This module uses neither torch nor files."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from suite.data.catalog import CATALOG
from suite.recipe.registry import Experiment

KINDS = ("samples", "steps", "seconds")
VALIDATION = 6  # one of so many training images validates the trials and never trains them

# Increase it when the training of trials changes, so that old trials are not used as results of the new training.
FORMAT = 1


@dataclass(frozen=True)
class Budget:
    """How long a trial trains: epochs (`samples`), updates (`steps`), or seconds of training (`seconds`)."""

    kind: str
    amount: float

    def reached(self, history: Sequence[dict[str, Any]], batch_size: int, portion: float) -> bool:
        """Whether a trial with this history has spent the portion (0 to 1) of the budget."""
        return self._spent(history, batch_size) >= portion * self.amount * (1 - 1e-9)

    def rest(self, history: Sequence[dict[str, Any]], batch_size: int) -> Callable[[int, float], bool]:
        """A function for the next epoch: whether its steps and seconds so far use up the rest of the budget."""
        left = math.inf if self.kind == "samples" else self.amount - self._spent(history, batch_size)
        return lambda steps, seconds: (steps if self.kind == "steps" else seconds) >= left

    def updates(self) -> int | None:
        """The number of updates if the budget counts them, else None."""
        return int(self.amount) if self.kind == "steps" else None

    def _spent(self, history: Sequence[dict[str, Any]], batch_size: int) -> float:
        if self.kind == "samples":
            return len(history)
        if self.kind == "steps":
            return math.fsum(math.ceil(record["images"] / batch_size) for record in history)
        return math.fsum(record["clock"]["train_seconds"] for record in history)


def training_images(data: str) -> int:
    """The number of images that train a trial: all training images that do not validate."""
    return CATALOG[data].train - CATALOG[data].train // VALIDATION


def trial_identity(experiment: Experiment, budget: Budget) -> str:
    """The SHA-256, in hexadecimal, of everything that a trial's training depends on, except its seed."""
    facts = {"format": FORMAT, "experiment": experiment.identity, "budget": asdict(budget), "validation": VALIDATION}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
