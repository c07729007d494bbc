"""The interface of an executor, which runs many jobs at once. It does not know what a job does."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Emit = Callable[[Any], None]
Work = Callable[[Any, Emit], None]


@dataclass(frozen=True)
class Busy:
    """The last event of a job that cannot start because another process does the same: it is tried again later."""


@dataclass(frozen=True)
class Ended:
    """A job has ended; `exit` is the exit code of its process, negative for a signal."""

    exit: int


class Executor(Protocol):
    """Runs jobs somewhere: in processes of this machine, or on the machines of a cluster."""

    def warm_up(self) -> None:
        """Start slow preparations in the background. Raises `SuiteError` if the executor cannot be used."""

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """Call `work(job, emit)` for every job and yield (index of the job, event) as the events come.

        The last event of every job is `Ended`. A job that crashes does not harm the others. Closing the generator ends
        the running jobs.
        """
