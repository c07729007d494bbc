"""Work with MLflow's record: send missing runs, write the report, serve the UI."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.inspecting import sheets
from suite.api.session import Session
from suite.errors import SuiteError

if TYPE_CHECKING:
    from suite.reporting import Written
    from suite.reporting.choice import Choice
    from suite.tracking.moving import Counts
    from suite.tracking.sync import Synced


@dataclass(frozen=True)
class Sent:
    """The number of runs that were sent to MLflow, its address, and the folder to which an old record was moved.

    `compared` counts what was found equal after the record was sent to another MLflow.
    """

    runs: int
    tracking_uri: str
    aside: Path | None = None
    compared: "Counts | None" = None


def report(session: Session, choice: "Choice | None" = None) -> "Written":
    """Send the runs that are missing in MLflow, then write reports/ from its record. Raises `SuiteError`.

    `choice` selects the runs of the report, by experiment or by date.
    """
    from suite.reporting import EVERYTHING, write_report
    from suite.tracking.store import TrackerAway, tracking_uri, unreachable

    home = session.home
    try:
        send(session)
        return write_report(
            session.store(), home.reports, choice or EVERYTHING, home.pictures, partial(sheets, session)
        )
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why


def write(session: Session, record: str) -> Path:
    """Write the report of all runs, and return its page. `record` is the digest of a record that lacks nothing.

    A report that shows this record already is left as it is. Raises `SuiteError` or `TrackerAway`.
    """
    from suite.disk.journal import begun_runs
    from suite.tracking import settled

    home, note = session.home, settled.read(session.home)
    if record and note.report == settled.report_digest(home, record):
        return home.page
    from suite.reporting import EVERYTHING, write_report

    written = write_report(session.store(), home.reports, EVERYTHING, home.pictures, partial(sheets, session))
    if record and settled.digest(home, begun_runs(home.runs)) == record:
        settled.write(home, replace(note, report=settled.report_digest(home, record)))
    return written.page


def sync(session: Session, *, rebuild: bool = False, to: str = "") -> Sent:
    """Send the runs that are missing in MLflow; `rebuild` moves the old record aside first. Raises `SuiteError`.

    `to` is the address of another MLflow, which gets everything instead.
    """
    if to:
        from suite.api.moving import move

        if rebuild:
            raise SuiteError("--to and --rebuild: each writes a record of its own.", "Give one of them.")
        return move(session, to)
    from suite.tracking.store import TrackerAway, shown_uri, unreachable
    from suite.tracking.sync import set_aside

    uri = shown_uri(session.home)
    aside = set_aside(session.home) if rebuild else None
    try:
        return Sent(send(session).sent, uri, aside)
    except TrackerAway as why:
        raise unreachable(uri, why) from why


def send(session: Session) -> "Synced":
    """Send the runs that are missing in MLflow. Raises `SuiteError` or `TrackerAway`."""
    from suite.tracking.sync import sync as send_missing

    return send_missing(session.home, session.data, session.screen.warn, session.store)


def ui(session: Session, *, host: str = "127.0.0.1", port: int = 5000, allow_remote: bool = False) -> int:
    """Serve MLflow's UI until Ctrl-C; an address that other machines can reach needs `allow_remote`."""
    from suite.tracking.ui import require_loopback, serve

    if not allow_remote:
        require_loopback(host)
    return serve(session.home, host, port, session.screen.say)
