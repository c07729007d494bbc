"""The budget, the training images and the identity of a study's trial. This module uses neither torch nor files."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from suite.data.catalog import data_set
from suite.disk.documents import Epoch
from suite.recipe.experiment import Experiment

KINDS = ("samples", "steps", "seconds")
VALIDATION = 6  # one of so many training images validates the trials and never trains them

# Increase it when the training of trials changes, so that old trials are not used as results of the new training.
FORMAT = 1


class Left(NamedTuple):
    """What an epoch may still spend: it ends with the step that reaches either figure."""

    steps: float = math.inf
    seconds: float = math.inf


NO_END = Left()


@dataclass(frozen=True)
class Budget:
    """How long a trial trains: epochs (`samples`), updates (`steps`), or seconds of training (`seconds`)."""

    kind: str
    amount: float

    def reached(self, history: Sequence[Epoch], batch_size: int, portion: float) -> bool:
        """Whether a trial with this history has spent the portion (0 to 1) of the budget."""
        return self._spent(history, batch_size) >= portion * self.amount * (1 - 1e-9)

    def left(self, history: Sequence[Epoch], batch_size: int) -> Left:
        """How many steps and seconds the epoch after this history may take."""
        if self.kind == "samples":
            return NO_END
        rest = self.amount - self._spent(history, batch_size)
        return Left(steps=rest) if self.kind == "steps" else Left(seconds=rest)

    def updates(self) -> int | None:
        """The number of updates if the budget counts them, else None."""
        return int(self.amount) if self.kind == "steps" else None

    def _spent(self, history: Sequence[Epoch], batch_size: int) -> float:
        if self.kind == "samples":
            return len(history)
        if self.kind == "steps":
            return math.fsum(math.ceil(record["images"] / batch_size) for record in history)
        return math.fsum(record["clock"]["train_seconds"] for record in history)


def training_images(data: str) -> int:
    """The number of images that train a trial: all training images that do not validate."""
    return data_set(data).train - data_set(data).train // VALIDATION


def trial_identity(experiment: Experiment, budget: Budget) -> str:
    """The SHA-256, in hexadecimal, of everything that a trial's training depends on, except its seed."""
    facts = {"format": FORMAT, "experiment": experiment.identity, "budget": asdict(budget), "validation": VALIDATION}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
