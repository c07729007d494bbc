"""What a trial of a study may spend, and which training images it learns from. Nothing here touches torch or a disk."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from suite.data.catalog import CATALOG
from suite.recipe.registry import Experiment

KINDS = ("samples", "steps", "seconds")
VALIDATION = 6  # one training image in so many validates the trials, and never trains them

# Raised when a trial's training comes to mean something else, so that old trials are never taken for new ones.
FORMAT = 1


@dataclass(frozen=True)
class Budget:
    """How long a trial trains, whatever its batch size: passes over the images, updates, or seconds of training."""

    kind: str
    amount: float

    def reached(self, history: Sequence[dict[str, Any]], batch_size: int, portion: float) -> bool:
        """Whether a trial with this history has spent such a portion of the budget, 1 being all of it."""
        return self._spent(history, batch_size) >= portion * self.amount * (1 - 1e-9)

    def rest(self, history: Sequence[dict[str, Any]], batch_size: int) -> Callable[[int, float], bool]:
        """For the epoch after this history: whether so many steps and seconds of it are the budget's end."""
        left = math.inf if self.kind == "samples" else self.amount - self._spent(history, batch_size)
        return lambda steps, seconds: (steps if self.kind == "steps" else seconds) >= left

    def updates(self) -> int | None:
        """How many updates it is, where it counts them."""
        return int(self.amount) if self.kind == "steps" else None

    def _spent(self, history: Sequence[dict[str, Any]], batch_size: int) -> float:
        if self.kind == "samples":
            return len(history)
        if self.kind == "steps":
            return math.fsum(math.ceil(record["images"] / batch_size) for record in history)
        return math.fsum(record["clock"]["train_seconds"] for record in history)


def training_images(data: str) -> int:
    """How many images of a data set train a trial: all that do not validate."""
    return CATALOG[data].train - CATALOG[data].train // VALIDATION


def trial_identity(experiment: Experiment, budget: Budget) -> str:
    """SHA-256, in hexadecimal, of all that a trial's training depends on but its seed."""
    facts = {"format": FORMAT, "experiment": experiment.identity, "budget": asdict(budget), "validation": VALIDATION}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
