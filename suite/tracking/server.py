"""Whether a tracking server answers. It gives up sooner than MLflow's own client does."""

import socket
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

PATIENCE = 2.0  # seconds


class Silent(Exception):
    """The server did not answer."""


def require_answer(uri: str) -> None:
    """Raise `Silent` if no server answers at `uri`; any answer will do. A store that is not a server is not checked."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=f"{parts.path.rstrip('/')}/health")
    try:
        with urlopen(urlunsplit(address), timeout=PATIENCE):
            return
    except HTTPError:
        return  # an HTTP error is an answer too; MLflow's client sends the right request
    except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError | ConnectionError | socket.gaierror | HTTPException):
            raise Silent(
                f"no answer within {PATIENCE:.0f} s" if isinstance(reason, TimeoutError) else str(reason)
            ) from error
