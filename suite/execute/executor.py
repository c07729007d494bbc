"""What an engine offers that does many jobs at once; it knows nothing of what a job does."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Emit = Callable[[Any], None]
Work = Callable[[Any, Emit], None]


@dataclass(frozen=True)
class Busy:
    """The last thing that a job says whose place is taken: the executor tries it again later."""


@dataclass(frozen=True)
class Ended:
    """A job is over; `exit` is its process's exit code, negative for a signal."""

    exit: int


class Executor(Protocol):
    """Does jobs somewhere. Local processes are the only engine so far."""

    def warm_up(self) -> None:
        """Start what takes time, and return at once. Raises `SuiteError` where the engine cannot be used."""

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """Do `work(job, emit)` for every job and yield (index of the job, event) as the events come.

        Every job's last event is `Ended`. No job can take another with it. Closing the generator ends what still runs.
        """
