"""Waits for the database of the studies if that is a server that restarts."""

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

AWAY = 60.0  # seconds for which a server may be away
PAUSE = 1.0  # seconds between two attempts

Method = TypeVar("Method", bound=Callable[..., Any])


def patient(method: Method) -> Method:
    """The method, called again while its database does not answer, for its object's `patience` in seconds at most.

    It must read anew what is stored: a commit may have been made although no answer came.
    """

    @functools.wraps(method)
    def asked(self: Any, *args: Any) -> Any:
        until = time.monotonic() + self.patience
        while True:
            try:
                return method(self, *args)
            except Exception as error:
                if not _is_away(error) or time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    return cast(Method, asked)


def _is_away(error: Any) -> bool:
    """Whether a database was not reached, or closed the connection; Optuna's own error says it of a commit."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import InterfaceError, OperationalError

    return isinstance(error, StorageInternalError | InterfaceError | OperationalError)
