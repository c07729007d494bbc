"""Errors of the user's code, named by file and line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.disk.script import is_interrupt, line_of, words_of
from suite.engine.memory import ran_out
from suite.errors import SuiteError


@contextmanager
def in_file(path: Path, part: str = "network", *, about: str = "", remedy: str = "") -> Iterator[None]:
    """Name the file in errors about this part of it; an exception of the user's code becomes a `SuiteError` (2).

    So do `sys.exit()` and a `KeyboardInterrupt` of a worker, which can only come from the user's code. `about` says
    what the part was given; `remedy` goes with an exception.
    """
    try:
        yield
    except SuiteError as error:
        if str(path) in str(error):
            raise
        raise SuiteError(f"{path}: {error}", code=error.code) from error
    except BaseException as error:
        if is_interrupt(error) or ran_out(error):
            raise
        raise _fault(error, path, part, about, remedy) from error


@contextmanager
def through_file(path: Path) -> Iterator[None]:
    """The same around code of ours that may call the file: only an exception that came through the file is named."""
    try:
        yield
    except SuiteError:
        raise
    except BaseException as error:
        if is_interrupt(error) or ran_out(error) or not line_of(error, path):
            raise
        raise _fault(error, path, "its own code", "", "Fix the file.") from error


def _fault(error: BaseException, path: Path, part: str, about: str, remedy: str) -> SuiteError:
    text = f"{type(error).__name__}: {words_of(error):.300}"
    return SuiteError(f"{path}{line_of(error, path)}: {part}: {text}{about}.", remedy or f"Fix the {part}.")
