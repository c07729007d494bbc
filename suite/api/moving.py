"""Send a home's whole record to another MLflow, and compare the two."""

import re
from dataclasses import replace

from suite.api.reporting import Sent, send
from suite.api.session import Session
from suite.errors import MACHINE, SuiteError
from suite.masking import masked
from suite.text import plural

SHOWN = 3  # differences that a message names
SCHEMES = ("http", "https", "postgresql", "mysql", "mssql", "sqlite")


def move(session: Session, to: str) -> Sent:
    """Send everything to the MLflow at the address `to`, and compare its record with the home's present one.

    The present record stays. Repeat the call after an interruption: only what is missing is sent. Raises `SuiteError`:
    2 for an address that cannot be used, 3 if one of the two does not answer or a value differs.
    """
    from suite.tracking.moving import compare
    from suite.tracking.store import TrackerAway, open_store, tracking_uri
    from suite.tracking.sync import sync

    require_address(to)
    here, there = session.home, replace(session.home, tracker=to)
    if tracking_uri(here) == to:
        raise SuiteError(f"--to: the record is at {masked(to)} already.", "Give the address of another MLflow.")
    try:
        send(session)
        target = open_store(there)
        sent = sync(there, session.data, session.screen.warn, lambda: target)
        counts = compare(session.store(), target)
    except TrackerAway as why:
        raise SuiteError(
            f"--to {masked(to)}: one of the two records did not answer: {why}.",
            "Run the same command again: only what is missing is sent.",
            code=MACHINE,
        ) from why
    if counts.different:
        more = f"; and {len(counts.different) - SHOWN} more" if len(counts.different) > SHOWN else ""
        raise SuiteError(
            f"{plural(len(counts.different), 'record')} of {counts.records} at {masked(to)} not as here: "
            f"{'; '.join(counts.different[:SHOWN])}{more}.",
            "The present record is as before; python -m suite doctor looks for damaged folders.",
            code=MACHINE,
        )
    return Sent(sent.sent, masked(to), compared=counts)


def require_address(to: str) -> None:
    """Raise `SuiteError` (2) unless it is the address of an MLflow server or of a database, without a password.

    Other users of the machine see a command's words while it runs.
    """
    scheme, separator, rest = to.partition("://")
    if not separator or not rest.strip("/") or scheme.partition("+")[0].lower() not in SCHEMES:
        raise SuiteError(
            f"--to: {masked(to)!r} is no address of MLflow.", "Give one as https://HOST or postgresql://HOST/NAME."
        )
    if masked(to) != to or re.search(r"^[^/]*:[^/@]*@", rest):
        raise SuiteError(
            f"--to {masked(to)}: a password is not taken from the command line.",
            "Use MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; for a database PGPASSWORD or ~/.pgpass.",
        )
