"""Pictures and MLflow, beside the training and never in its way: one thread that copies run folders."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from suite.disk.documents import Result
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.errors import SuiteError
from suite.runs import artifacts
from suite.runs.events import Done, Ended, EpochEnded, Event, Failed
from suite.runs.plan import Planned
from suite.runs.training import DataFolder
from suite.tracking.mirror import Mirror
from suite.tracking.store import Store, TrackerAway, open_store, shown_uri

OpenStore = Callable[[Callable[[], None]], Store]  # called with what is to be told when a server is asked first
HURRY = 1.5  # seconds that an interrupted command still waits for the tracker
PATIENCE = 3.0  # seconds without any answer that a command waits for at its end
AGAIN = 15.0  # seconds until a tracker that was away is tried again


class Recorder:
    """Copies what it is told of to the tracker; where that is away it says so once and tries again later.

    Nothing is lost by that: the run folders hold everything that the tracker is told. A tracker that hangs is
    left hanging at the end of the command (`hangs`); one that cannot be used at all is given up (`trouble`).
    """

    def __init__(
        self, home: Home, data_folder: DataFolder, say: Callable[[str], None], first_store: OpenStore | None = None
    ) -> None:
        self.ids: dict[Path, str] = {}
        self.trouble: SuiteError | None = None
        self.away = self.hangs = False
        self._home, self._data_folder, self._say = home, data_folder, say
        self._first_store = first_store  # shares what the command has opened; after a failure the store is opened again
        self._mirror: Mirror | None = None
        self._unusable = self._hurry = self._over = False
        self._not_before = 0.0
        self._asked: float | None = None  # when the tracker was asked something that it has not answered yet
        self._news: dict[Run, str] = {}  # the last word of each run that was not copied yet
        self._copied: set[Path] = set()  # with their results: there is nothing more to come
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._over, self._hurry = True, error is not None
            self._changed.notify()
        if error is not None:
            self._thread.join(HURRY)
            return
        while self._thread.is_alive() and not self.hangs:
            self._thread.join(0.1)
            asked = self._asked
            self.hangs = asked is not None and time.monotonic() - asked > PATIENCE
        if self.hangs:
            self._say_away("no answer")

    def note(self, run: Run, status: str = "running") -> None:
        """Something new is in the run's folder."""
        with self._changed:
            self._news[run] = status
            self._changed.notify()

    def hear(self, item: Planned, event: Event) -> None:
        """Copy the run where the event means that its folder has something new."""
        match event:
            case EpochEnded() | Done():
                self.note(item.run)
            case Failed() if item.begun():
                self.note(item.run, "failed")
            case Ended() if item.status == "killed" and item.begun():
                self.note(item.run, "interrupted")

    def hear_interrupted(self, planned: Sequence[Planned]) -> None:
        """Copy that these runs were broken off, where they were."""
        for item in planned:
            if item.status == "interrupted":
                self.note(item.run, "interrupted")

    def _work(self) -> None:
        while (item := self._next()) is not None:
            skip = (self._hurry and item[1] == "running") or item[0].folder in self._copied
            if not skip and not self._unusable:
                self._copy(*item)

    def _next(self) -> tuple[Run, str] | None:
        """A run with something new, however often it was noted; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self._over)
            run = next(iter(self._news), None)
            return (run, self._news.pop(run)) if run else None

    def _copy(self, run: Run, status: str) -> None:
        try:
            result = prepare(run, self._data_folder)  # beside the training even while the tracker is away
            if time.monotonic() < self._not_before:
                return
            mirror = self._mirror = self._mirror or self._open()
            self._asked = time.monotonic()
            self.ids[run.folder] = mirror.send(run, result, status)
            if result:
                self._copied.add(run.folder)
        except TrackerAway as why:
            self._mirror, self._not_before = None, time.monotonic() + AGAIN
            self._say_away(str(why))
        except SuiteError as error:
            self.trouble = error
            self._say(str(error))
        finally:
            self._asked = None

    def _open(self) -> Mirror:
        try:
            first, self._first_store = self._first_store, None
            store = first(self._answered) if first else open_store(self._home, self._answered)
            return Mirror(store, self._answered)
        except SuiteError:
            self._unusable = True
            raise

    def _answered(self) -> None:
        self._asked = time.monotonic()

    def _say_away(self, why: str) -> None:
        if not self.away:
            self.away = True
            self._say(
                f"MLflow at {shown_uri(self._home)} does not answer ({why}); training goes on, "
                "and `python -m suite sync` or `report` sends what is missing."
            )

    @property
    def usable(self) -> bool:
        """Whether it makes sense to ask the tracker for more in this command."""
        return not self.hangs and not self._unusable


def prepare(run: Run, data_folder: DataFolder) -> Result | None:
    """See that the run's folder is whole, and draw its pictures once it is finished; returns its result.

    A process draws them once.
    """
    result = run.check_files()
    if result and result["status"] == "finished" and run.folder not in _drawn:
        artifacts.make(run, data_folder(run.recipe()["recipe"]["data"]))
        _drawn.add(run.folder)
    return result


_drawn: set[Path] = set()
