"""Draws pictures and copies run folders to MLflow during the training, in one thread. Training never waits for it."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from suite.disk.documents import Result
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.errors import MACHINE, SuiteError, one_line
from suite.pictures import canvas
from suite.runs import artifacts
from suite.runs.events import Done, Ended, EpochEnded, Event, Failed
from suite.runs.plan import Planned
from suite.runs.training import DataFolder
from suite.tracking.mirror import Mirror
from suite.tracking.store import Store, TrackerAway, configure, load_mlflow, open_store, shown_uri

OpenStore = Callable[[Callable[[], None]], Store]  # its argument is called before the first request to a server
HURRY = 1.5  # seconds that an interrupted command waits for the tracker
PATIENCE = 3.0  # seconds without an answer after which a command, at its end, stops waiting
AGAIN = 15.0  # seconds until a tracker that did not answer is tried again


class Recorder:
    """Copies run folders to the tracker. If the tracker does not answer, it says so once and tries again later.

    Nothing is lost: the run folders hold everything that is sent. If the tracker hangs at the end of the command, the
    command ends without it (`hangs`). A tracker that cannot be used at all is not tried again (`trouble`).
    """

    def __init__(
        self, home: Home, data_folder: DataFolder, say: Callable[[str], None], first_store: OpenStore | None = None,
        *, ahead: bool = False,
    ) -> None:  # fmt: skip
        """`ahead` loads MLflow and matplotlib at once, not when the first run must be copied."""
        self.ids: dict[Path, str] = {}
        self.trouble: SuiteError | None = None
        self.away = self.hangs = False
        self._home, self._data_folder, self._say = home, data_folder, say
        self._first_store = first_store  # the command's own store, used first; after a failure a new one is opened
        self._mirror: Mirror | None = None
        self._unusable = self._hurry = self._over = False
        self._loads = ahead  # before it has loaded them, it has nothing else to do
        self._not_before = 0.0
        self._asked: float | None = None  # the time of a request that is not answered yet
        self._news: dict[Run, str] = {}  # runs that must be copied, with their newest status
        self._copied: set[Path] = set()  # copied with their results: they do not change any more
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
            if self._news or not self._loads:
                self._thread.join(HURRY)
            return
        while self._thread.is_alive() and not self.hangs:
            self._thread.join(0.1)
            asked = self._asked
            self.hangs = asked is not None and time.monotonic() - asked > PATIENCE
        if self.hangs:
            self._say_away("no answer")

    def note(self, run: Run, status: str = "running") -> None:
        """Note that the run's folder has changed, so that it is copied."""
        with self._changed:
            self._news[run] = status
            self._changed.notify()

    def hear(self, item: Planned, event: Event) -> None:
        """Copy the run if the event means that its folder has changed."""
        match event:
            case EpochEnded() | Done():
                self.note(item.run)
            case Failed() if item.begun():
                self.note(item.run, "failed")
            case Ended() if item.status == "killed" and item.begun():
                self.note(item.run, "interrupted")

    def hear_interrupted(self, planned: Sequence[Planned]) -> None:
        """Copy the status of those runs that were interrupted, if anything of them is written yet."""
        for item in planned:
            if item.status == "interrupted" and item.begun():
                self.note(item.run, "interrupted")

    def _work(self) -> None:
        if self._loads:
            _load()
            self._loads = False
        while (item := self._next()) is not None:
            skip = (self._hurry and item[1] == "running") or item[0].folder in self._copied
            if not skip and not self._unusable:
                self._copy(*item)

    def _next(self) -> tuple[Run, str] | None:
        """Wait for a run that must be copied and take it off the list, with its status; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self._over)
            run = next(iter(self._news), None)
            return (run, self._news.pop(run)) if run else None

    def _copy(self, run: Run, status: str) -> None:
        try:
            result = prepare(run, self._data_folder)  # beside the training even while the tracker is away
            say_undrawn(run, self._say)
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
        except Exception as error:  # one run that cannot be told must not keep the others from being told
            reason = f"{type(error).__name__}: {one_line(str(error)):.200}"
            self.trouble = SuiteError(
                f"{run.name} could not be copied to MLflow ({reason}); its folder {run.folder} is whole.",
                "`python -m suite sync` tries again.",
                code=MACHINE,
            )
            self._say(str(self.trouble))
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
        """Whether this command should send more requests to the tracker."""
        return not self.hangs and not self._unusable


def _load() -> None:
    """Load the libraries. An error is met again where the first run is copied, and said there."""
    configure()
    for load in (load_mlflow, canvas.load):
        with suppress(Exception):
            load()


def prepare(run: Run, data_folder: DataFolder) -> Result | None:
    """Check the run's folder and return its result. If the run is finished, draw its pictures, once in each process."""
    result = run.check_files()
    if result and result["status"] == "finished" and run.folder not in _drawn:
        artifacts.make(run, data_folder)
        _drawn.add(run.folder)
    return result


def say_undrawn(run: Run, say: Callable[[str], None]) -> None:
    """Name the run's pictures that could not be drawn, once in a process."""
    if run.folder not in _said and (line := artifacts.undrawn(run)):
        _said.add(run.folder)
        say(line)


def to_draw_again(runs: Path) -> set[str]:
    """The names of the folders of runs that lack a picture and were not tried in this process."""
    return {folder.name for folder in artifacts.undrawn_in(runs) - _drawn}


_drawn: set[Path] = set()
_said: set[Path] = set()
