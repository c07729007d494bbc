"""What a run says, from its process to the command that waits for it, and who is shown it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from suite.disk.documents import Result
from suite.engine.events import EpochEnded, Step
from suite.execute.executor import Busy, Ended

if TYPE_CHECKING:
    from suite.runs.plan import Planned

__all__ = ["Busy", "Done", "Ended", "EpochEnded", "Event", "Failed", "RunView", "ShowRuns", "Started", "Step"]


@dataclass(frozen=True)
class Started:
    """A process has claimed the run's folder and trains."""


@dataclass(frozen=True)
class Done:
    """The run has a result: it finished or diverged, now or before."""

    result: Result


@dataclass(frozen=True)
class Failed:
    """The run was given up for a `reason` of one line; `code` is the exit code that it stands for."""

    reason: str
    code: int


Event = Started | Step | EpochEnded | Done | Failed | Busy | Ended


class RunView(Protocol):
    """Shows runs while they go on; used as a context."""

    def __enter__(self) -> "RunView": ...
    def __exit__(self, *error: object) -> None: ...
    def event(self, item: "Planned", event: Event) -> None:
        """Show what one run just said."""


class ShowRuns(Protocol):
    """Opens a view of these runs."""

    def __call__(self, planned: "Sequence[Planned]") -> AbstractContextManager[RunView]: ...
