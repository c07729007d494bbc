"""A tracking server that others run: whether it answers, asked with less patience than MLflow's own client has."""

import socket
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

PATIENCE = 2.0  # seconds


class Silent(Exception):
    """Nothing answered."""


def require_answer(uri: str) -> None:
    """Raise `Silent` where no server answers at `uri`, whatever it says; other stores than servers are not asked."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=f"{parts.path.rstrip('/')}/health")
    try:
        with urlopen(urlunsplit(address), timeout=PATIENCE):
            return
    except HTTPError:
        return  # it answered, and MLflow's client knows how to ask
    except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError | ConnectionError | socket.gaierror | HTTPException):
            raise Silent(
                f"no answer within {PATIENCE:.0f} s" if isinstance(reason, TimeoutError) else str(reason)
            ) from error
