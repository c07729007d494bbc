"""Studies on their way to the tracker, beside the training and never in its way."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType

from suite.disk.documents import Record
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import Store, TrackerAway, open_store, shown_uri
from suite.tracking.studies import send_study
from suite.tuning.document import read_all
from suite.tuning.sentences import counts, sentences
from suite.tuning.storage import is_worked_on


def note(facts: Record) -> str:
    """What MLflow shows at the top of the study's page."""
    return "\n\n".join([f"{counts(facts['trials'])}.", *sentences(facts)])


class Publisher:
    """Sends a study's document whenever it changed; where the tracker is away it says so once and gives up.

    Nothing is lost by that: `sync` and `report` send what is missing.
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
        """Let the tracker know how the study stands; returns at once."""
        if self._last:
            self._last.cancel()  # it has not begun, and what it would say is old
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


def send_studies(home: Home, store: Store, say: Callable[[str], None]) -> None:
    """Send what the tracker lacks of all studies; `say` is told of damaged ones. Raises `TrackerAway`."""
    for facts in read_all(home, say):
        send_study(store, facts, note(facts), running=is_worked_on(home, facts["study"]))
