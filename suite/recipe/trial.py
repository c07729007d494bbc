"""What a trial of a study may spend, and which training images it learns from. Nothing here touches torch or a disk."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from suite.data.catalog import CATALOG
from suite.disk.documents import Epoch
from suite.recipe.experiment import Experiment

KINDS = ("samples", "steps", "seconds")
VALIDATION = 6  # one training image in so many validates the trials, and never trains them

# Raised when a trial's training comes to mean something else, so that old trials are never taken for new ones.
FORMAT = 1


class Left(NamedTuple):
    """What an epoch may still spend: it ends with the step that reaches either figure."""

    steps: float = math.inf
    seconds: float = math.inf


NO_END = Left()


@dataclass(frozen=True)
class Budget:
    """How long a trial trains, whatever its batch size: passes over the images, updates, or seconds of training."""

    kind: str
    amount: float

    def reached(self, history: Sequence[Epoch], batch_size: int, portion: float) -> bool:
        """Whether a trial with this history has spent such a portion of the budget, 1 being all of it."""
        return self._spent(history, batch_size) >= portion * self.amount * (1 - 1e-9)

    def left(self, history: Sequence[Epoch], batch_size: int) -> Left:
        """How many steps and seconds the epoch after this history may take."""
        if self.kind == "samples":
            return NO_END
        rest = self.amount - self._spent(history, batch_size)
        return Left(steps=rest) if self.kind == "steps" else Left(seconds=rest)

    def updates(self) -> int | None:
        """How many updates it is, where it counts them."""
        return int(self.amount) if self.kind == "steps" else None

    def _spent(self, history: Sequence[Epoch], batch_size: int) -> float:
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
