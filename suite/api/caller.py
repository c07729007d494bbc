"""The caller's process: whoever imports `suite` finds it as it was before a call."""

import functools
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from suite.api.session import Session
from suite.disk.home import Home
from suite.tracking.store import DEFAULTS, SETTINGS

VARIABLES = (*SETTINGS, *DEFAULTS, "HOME")  # what MLflow needs while it works: `store.configure`, `Home.stand_in`
LOGGERS = ("mlflow", "optuna", "alembic", "sqlalchemy", "mlflow.store.db.utils")  # whose levels we or they change
USUAL = multiprocessing.get_all_start_methods()[0]

P = ParamSpec("P")
R = TypeVar("R")
_lock = threading.Lock()
_begun: list[Callable[[], None]] = []  # for each call that is not over: what puts back what the first one found


def leaves_no_trace(call: Callable[P, R]) -> Callable[P, R]:
    """The call, after which environment, levels of logging and multiprocessing's method are as they were.

    Calls of several threads count as one.
    """

    @functools.wraps(call)
    def guarded(*args: P.args, **others: P.kwargs) -> R:
        session = next((one for one in (*args, *others.values()) if isinstance(one, Session)), None)
        with _unchanged():
            (session.home if session else Home.find()).stand_in()
            return call(*args, **others)

    return guarded


@contextmanager
def _unchanged() -> Iterator[None]:
    with _lock:
        _begun.append(_begun[0] if _begun else _memory())
    try:
        yield
    finally:
        with _lock:
            put_back = _begun.pop()
            if not _begun:
                put_back()


def _memory() -> Callable[[], None]:
    """What puts back the state of this moment."""
    variables = {name: os.environ.get(name) for name in VARIABLES}
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    method = multiprocessing.get_start_method(allow_none=True)
    loaded = {name for name in LOGGERS if name in sys.modules}

    def put_back() -> None:
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for name, level in levels.items():
            new = name in ("mlflow", "optuna") and name in sys.modules and name not in loaded
            logging.getLogger(name).setLevel(logging.INFO if new else level)  # INFO: as it comes
        if method is None and multiprocessing.get_start_method(allow_none=True) == USUAL:  # a library has asked for it
            multiprocessing.set_start_method(None, force=True)

    return put_back
