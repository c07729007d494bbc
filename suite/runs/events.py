"""The events that a run's process sends to the command, and the views that show them."""

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
    """A process has locked the run's folder and is training."""


@dataclass(frozen=True)
class Done:
    """The run has a result: it finished or diverged, now or earlier."""

    result: Result


@dataclass(frozen=True)
class Failed:
    """The run was stopped. `reason` is one line, and `code` is the matching exit code."""

    reason: str
    code: int


Event = Started | Step | EpochEnded | Done | Failed | Busy | Ended


class RunView(Protocol):
    """Shows running trainings; used as a context."""

    def __enter__(self) -> "RunView": ...
    def __exit__(self, *error: object) -> None: ...
    def event(self, item: "Planned", event: Event) -> None:
        """Show an event of one run."""


class ShowRuns(Protocol):
    """A function that returns a view of these runs."""

    def __call__(self, planned: "Sequence[Planned]") -> AbstractContextManager[RunView]: ...
