"""What one training says while it goes on. Nothing here touches torch: the process that listens never loads it."""

from collections.abc import Callable
from dataclasses import dataclass

from suite.disk.documents import Epoch


@dataclass(frozen=True)
class Step:
    """How far an epoch has come, a few times a second: means over its `images` so far."""

    epoch: int
    images: int
    train_loss: float
    train_accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class EpochEnded:
    """An epoch was trained and written to the run's folder."""

    epoch: Epoch


Emit = Callable[[Step | EpochEnded], None]
