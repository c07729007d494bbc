"""Sends studies to the tracker during the training, in a thread of its own. The training never waits for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType

from suite.disk.documents import Record
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import Store, TrackerAway, open_store, shown_uri
from suite.tracking.studies import send_study
from suite.tuning.document import paths, read_all
from suite.tuning.sentences import counts, sentences
from suite.tuning.storage import is_worked_on


def note(facts: Record) -> str:
    """The study's result as text. MLflow shows it at the top of the study's page."""
    return "\n\n".join([f"{counts(facts['trials'])}.", *sentences(facts)])


class Publisher:
    """Sends a study's document whenever it has changed. If the tracker does not answer, it says so once and stops.

    Nothing is lost: `sync` and `report` send what is missing.
    """

    def __init__(self, home: Home, say: Callable[[str], None], open_home: Callable[[], Store] | None = None) -> None:
        self.away = False
        self._home, self._say = home, say
        self._open = open_home or partial(open_store, home)
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, "publisher")
        self._last: Future[None] | None = None

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(wait=error is None, cancel_futures=error is not None)

    def show(self, facts: Record) -> None:
        """Send the study's current document in the background; returns at once."""
        if self._last:
            self._last.cancel()  # has no effect if it has begun; else it would send an older document
        self._last = self._thread.submit(self._send, facts)

    def _send(self, facts: Record) -> None:
        if self.away:
            return
        try:
            self._store = self._store or self._open()
            send_study(self._store, facts, note(facts), running=not facts["outcome"])
        except TrackerAway as why:
            self.away = True
            self._say(
                f"MLflow at {shown_uri(self._home)} does not answer ({why}); training goes on, "
                "and `python -m suite sync` or `report` sends what is missing."
            )
        except SuiteError as error:
            self.away = True
            self._say(str(error))


def send_studies(home: Home, store: Store, say: Callable[[str], None]) -> bool:
    """Send what is missing of all studies, and return whether all of them are whole and have ended.

    `say` gets a line for each damaged one. Raises `TrackerAway`.
    """
    studies = list(read_all(home, say))
    for facts in studies:
        send_study(store, facts, note(facts), running=is_worked_on(home, facts["study"]))
    return all(facts["outcome"] for facts in studies) and len(studies) == len(paths(home))
