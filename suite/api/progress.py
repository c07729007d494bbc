"""Where the progress of a call is shown: nowhere, or as lines; and what a view of running trainings says."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from suite.errors import one_line
from suite.masking import masked
from suite.runs.events import Busy, Done, Ended, EpochEnded, Event, Failed, RunView, Step
from suite.runs.plan import Planned
from suite.text import printable

if TYPE_CHECKING:
    from suite.tuning.rules import Rules
    from suite.tuning.work import StudyView


class Screen(Protocol):
    """Shows the progress of a call: on a terminal, or nowhere."""

    def say(self, line: str) -> None:
        """Show a line of plain text."""

    def warn(self, line: str) -> None:
        """Show a line that the user should not miss."""

    def progress(self, line: str) -> None:
        """Show a line that is only useful while the user waits."""

    def runs(self, planned: Sequence[Planned]) -> AbstractContextManager[RunView]:
        """Return a view of runs that will be trained."""

    def study(self, rules: "Rules", *, done: int, total: int, finals: int) -> "AbstractContextManager[StudyView]":
        """Return a view of a study with `done` of `total` trials; `finals` more trainings use fresh seeds."""


class Silent:
    """Shows nothing. The results are returned, and errors are raised."""

    def say(self, line: str) -> None:
        """Nothing."""

    def warn(self, line: str) -> None:
        """Nothing."""

    def progress(self, line: str) -> None:
        """Nothing."""

    def runs(self, planned: Sequence[Planned]) -> AbstractContextManager[RunView]:  # noqa: ARG002  as `Screen` has it
        """A view that shows nothing."""
        return _Nothing()

    def study(self, rules: "Rules", *, done: int, total: int, finals: int) -> "AbstractContextManager[StudyView]":  # noqa: ARG002
        """A view that shows nothing."""
        return _Nothing()


class _Nothing:
    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def event(self, item: Any, event: Event) -> None:
        pass

    def generation_started(self, trials: Mapping[int, Any]) -> None:
        pass

    def generation_ended(self, trials: list[Any]) -> None:
        pass


class Stream:
    """Writes a line for each epoch and for each end of a run to a stream, stderr by default."""

    live, console = False, None  # a study is shown by lines too

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream, self._warned = stream, set[str]()

    def say(self, line: str) -> None:
        """Write a line."""
        print(printable(masked(line)), file=self._stream or sys.stderr, flush=True)

    def warn(self, line: str) -> None:
        """Write a line, but not the same one twice."""
        if line not in self._warned:
            self._warned.add(line)
            self.say(f"suite: {one_line(line)}")

    def progress(self, line: str) -> None:
        """Write a line."""
        self.say(line)

    def runs(self, planned: Sequence[Planned]) -> AbstractContextManager[RunView]:  # noqa: ARG002  as `Screen` has it
        """A view of a call's runs."""
        return Lines(self.say)

    def study(self, rules: "Rules", *, done: int, total: int, finals: int) -> "AbstractContextManager[StudyView]":
        """A view of a study."""
        from suite.api.study_view import StudyView

        return StudyView(self, rules, done=done, total=total, finals=finals)


class Lines:
    """Prints a plain line for each epoch and for each end of a run, in the order of the events."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._busy: set[str] = set()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def event(self, item: Planned, event: Event) -> None:
        if line := line_for(item, event, self._busy):
            self._say(line)


def figures_of(item: Planned, step: Step) -> str:
    """What a bar says beside itself after a step."""
    return (
        f"epoch {step.epoch + 1}/{item.experiment.recipe.epochs}  loss {step.train_loss:.4f}  "
        f"accuracy {step.train_accuracy:.4f}  {step.images_per_second:,.0f} images/s"
    )


def line_for(item: Planned, event: Event, busy: set[str]) -> str | None:
    """The plain line for an event, or None; `busy` has the runs whose waiting was printed already."""
    name = item.run.name
    match event:
        case EpochEnded(epoch):
            speed = epoch["images"] / epoch["clock"]["train_seconds"]
            held_out = (
                "" if epoch["val_loss"] is None else f"  val loss {epoch['val_loss']:.4f} {epoch['val_accuracy']:.4f}"
            )
            return (
                f"{name}  epoch {epoch['epoch'] + 1}/{item.experiment.recipe.epochs}  "
                f"loss {epoch['train_loss']:.4f} {epoch['train_accuracy']:.4f}{held_out}  {speed:,.0f} images/s"
            )
        case Busy() if name not in busy:
            busy.add(name)
            return f"{name}  another process is training this run; waiting for it"
        case Done() if item.status == "finished" and item.result:
            return f"{name}  finished: {item.result['metrics']['test/accuracy']:.4f} on the test images"
        case Done() if item.result:
            return f"{name}  diverged in epoch {item.result['epoch'] + 1}: the loss is no finite number"
        case Failed():
            return f"{name}  failed: {item.reason}"
        case Ended() if item.status == "killed":
            return f"{name}  killed: {item.reason}"
    return None
