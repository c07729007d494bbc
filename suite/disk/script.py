"""A user's Python file: run, always from its source, and what it raises, in words."""

import importlib.util
import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from suite.errors import SuiteError, load_error, one_line


class _AlwaysFromSource(SourceFileLoader):
    """Loads a file without a cached .pyc.

    After a quick second edit the .pyc can be out of date: the old code would be trained under the new identity.
    """

    def path_stats(self, path: Any) -> Any:  # noqa: ARG002  the loader's signature
        raise OSError


def run_file(path: Path, package: str) -> ModuleType:
    """Run a file as a module of `package`, always from its source; raises whatever the file raises."""
    if not path.is_file():  # reading a pipe would block
        raise SuiteError("it is not a regular file.")
    name = f"{package}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AlwaysFromSource(name, str(path)))
    assert spec is not None
    assert spec.loader is not None  # it was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def line_of(error: BaseException, path: Path) -> str:
    """`:12`, the line of this file at which the error arose; empty if the error did not pass through the file."""
    if isinstance(error, SyntaxError) and error.lineno and error.filename == str(path):
        return f":{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f":{lines[-1]}" if lines else ""


def is_interrupt(error: BaseException) -> bool:
    """Whether it is the user's Ctrl-C. A worker ignores that, so there the user's own code raised it."""
    return isinstance(error, KeyboardInterrupt) and multiprocessing.parent_process() is None


def words_of(error: BaseException) -> str:
    """The text of an exception in one line, without its last dot; `__str__` of a user's exception may raise another."""
    if isinstance(error, SystemExit):
        return f"{error} (it calls sys.exit)".strip()
    try:
        return one_line(str(error)).rstrip(".") or "no reason given"
    except Exception:
        return "its words cannot be read"


def require_torch(error: BaseException) -> None:
    """Raise `SuiteError` (3) if the file did no more than import torch, which cannot be loaded on this machine."""
    names = {frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)}
    if "torch" in names and "torch" not in sys.modules:  # Python takes a module away whose import failed
        raise load_error("torch", error) from error


@contextmanager
def undone() -> Iterator[None]:
    """Put environment and folder back: worker processes and other experiments would inherit them."""
    environment, folder = dict(os.environ), ""
    with suppress(OSError):  # it was deleted
        folder = os.getcwd()
    try:
        yield
    finally:
        for name in {*os.environ} - {*environment}:
            del os.environ[name]
        os.environ.update(environment)
        if folder:
            os.chdir(folder)
