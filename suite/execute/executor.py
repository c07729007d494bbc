"""The interface of an executor, which runs many jobs at once. It does not know what a job does."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
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


@dataclass(frozen=True)
class Lost:
    """A job did not come to its end on any machine; `reason` is why, in words without a last dot."""

    reason: str


class Executor(Protocol):
    """Runs jobs somewhere: in processes of this machine, or on the machines of a cluster."""

    def warm_up(self) -> None:
        """Start slow preparations in the background. Raises `SuiteError` if the executor cannot be used."""

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """Call `work(job, emit)` for every job and yield (index of the job, event) as the events come.

        The last event of every job is `Ended`. A job that crashes does not harm the others. Closing the generator ends
        the running jobs.
        """


@dataclass(frozen=True)
class Packed:
    """A job as another machine understands it: plain values, and the names of the large values that it needs there."""

    value: Any
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settled:
    """A job that need not travel; `events` are those that it would send, for `Freight.receive`."""

    events: tuple[Any, ...] = ()


class There(Protocol):
    """What happens on a machine of a cluster. It travels there, so it is picklable, and so are its functions."""

    @property
    def preload(self) -> str | None:
        """The module that is loaded once for all processes of a machine."""

    def work(self, value: Any, emit: Emit) -> None:
        """Do a packed job, in a process of its own."""

    def environment(self, found: Mapping[str, str]) -> Mapping[str, str]:
        """All variables of the processes there, made of those that are `found`."""

    def lacks(self, need: str) -> bool:
        """Whether this machine has not yet the large value of this name."""

    def keep(self, need: str, contents: Any) -> None:
        """Keep it on this machine; raises an exception with one line if that fails."""


class Freight(Protocol):
    """The jobs of one call that go to other machines: packed here when their turn comes, and written here."""

    @property
    def there(self) -> There:
        """What is done with the jobs on other machines."""

    def __len__(self) -> int:
        """The number of jobs."""

    def pack(self, index: int) -> "Packed | Busy | Settled":
        """Take hold of a job and pack it, with all that is known of it by now."""

    def receive(self, index: int, event: Any) -> "Iterable[tuple[int, Any]]":
        """Take what has come from there, or `Lost`; gives the (index, event) pairs that the caller gets now."""

    def lost(self, index: int, *, begun: bool) -> bool:
        """Let go of a job whose machine is gone; whether it is to be packed again. `begun` if it has said anything."""

    def contents(self, need: str) -> Any:
        """The large value of this name, which is sent to each machine that lacks it."""

    def seconds(self, index: int) -> float | None:
        """About how long a job will take; None if nobody knows."""

    def apart(self, index: int) -> int | None:
        """The job that must have been given to another machine than this one, if there is such a job."""
