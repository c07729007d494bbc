"""Pictures and MLflow, beside the training and never in its way: one thread that copies run folders."""

import queue
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from suite import artifacts
from suite.engine.journal import Run
from suite.errors import MACHINE, SuiteError
from suite.home import Home
from suite.tracking.mirror import Mirror
from suite.tracking.store import TrackerAway, open_store, tracking_uri

HURRY = 1.5  # seconds that an interrupted command still waits for the tracker


class Recorder:
    """Copies what it is told of to the tracker; at the first trouble it says so once and leaves the rest to `sync`.

    Nothing is lost by that: the run folders hold everything that the tracker is told.
    """

    def __init__(self, home: Home, data_folders: dict[str, Path], say: Callable[[str], None]) -> None:
        self.ids: dict[Path, str] = {}
        self.trouble: SuiteError | None = None
        self._home, self._data_folders, self._say = home, data_folders, say
        self._away = self._hurry = False
        self._queue: queue.SimpleQueue[tuple[Run, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hurry = error is not None
        self._queue.put(None)
        self._thread.join(HURRY if self._hurry else None)

    def note(self, run: Run, status: str = "running") -> None:
        """Something new is in the run's folder."""
        self._queue.put((run, status))

    def _work(self) -> None:
        mirror: Mirror | None = None
        while (item := self._queue.get()) is not None:
            if self._away or (self._hurry and item[1] == "running"):
                continue
            try:
                mirror = mirror or Mirror(open_store(self._home))
                self.ids[item[0].folder] = copy(mirror, *item, self._data_folders)
            except TrackerAway as why:
                self._away = True
                self._say(
                    f"MLflow at {tracking_uri(self._home)} does not answer ({why}); training goes on, "
                    "and `python -m suite sync` sends what is missing."
                )
            except SuiteError as error:
                self._away, self.trouble = error.code == MACHINE, error
                self._say(str(error))


def copy(mirror: Mirror, run: Run, status: str, data_folders: dict[str, Path]) -> str:
    """Send one run to the tracker, with its pictures once it is finished; returns MLflow's id of it."""
    result = run.result()
    run.check_files()
    if result and result["status"] == "finished":
        artifacts.make(run, data_folders[run.recipe()["recipe"]["data"]])
    return mirror.send(run, status)


def sync(home: Home, data_folder: Callable[[str], Path], say: Callable[[str], None]) -> int:
    """Send every finished run that the tracker lacks, end those it wrongly believes running, sum up the groups.

    Returns how many runs were sent. A damaged folder is named and left out. Raises `SuiteError` or `TrackerAway`.
    """
    runs = list(_readable(home.runs, say))
    mirror = Mirror(open_store(home))
    missing = [run for run in mirror.lacking(runs) if not run.is_claimed()]  # the others have a recorder of their own
    for run in missing:
        name = run.recipe()["recipe"]["data"]
        copy(mirror, run, "interrupted", {name: data_folder(name)})
    mirror.end_dead(runs)
    mirror.sum_up()
    return len(missing)


def _readable(runs: Path, say: Callable[[str], None]) -> Iterable[Run]:
    """The runs whose folders are whole."""
    for path in sorted(runs.glob("*/*/recipe.json")):
        try:
            run = Run.at(path.parent)
            run.check_files()
        except SuiteError as error:
            say(str(error))
        else:
            yield run
