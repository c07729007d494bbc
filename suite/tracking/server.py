"""Whether a tracking server answers, sooner than MLflow's own client gives up, and why it refuses."""

import socket
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from suite.errors import one_line

PATIENCE = 2.0  # seconds
# Words of MLflow's client about a server that refuses, and what to do then.
REFUSED = {
    "failed with error code 401": "it wants a login; MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD hold none "
    "that it knows",
    "Invalid Host header": "it does not know the name that it was asked by; start it with --allowed-hosts NAME",
    "Permission denied": "this login may not do that there; its administrator can give it the permission EDIT",
}


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
        why = getattr(error, "reason", error)
        if isinstance(why, TimeoutError | ConnectionError | socket.gaierror | HTTPException):
            raise Silent(f"no answer within {PATIENCE:.0f} s" if isinstance(why, TimeoutError) else str(why)) from error


def reason(error: Exception) -> str:
    """Why a tracker did not do what it was asked, in one line; for a server that refuses, what to do."""
    words = one_line(str(error))
    for sign, meaning in REFUSED.items():  # MLflow's client shows the server's own page as the reason
        if sign in words:
            return meaning
    return words[:200] or type(error).__name__
