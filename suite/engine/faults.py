"""Errors of the user's code, named by file and line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.engine.memory import ran_out
from suite.errors import SuiteError, one_line
from suite.scripts import line_of


@contextmanager
def in_file(path: Path, part: str = "network", *, about: str = "", remedy: str = "") -> Iterator[None]:
    """Name the file in errors about this part of it; an exception of the user's code becomes a `SuiteError` (2).

    `about` says what the part was given; `remedy` goes with an exception.
    """
    try:
        yield
    except SuiteError as error:
        if str(path) in str(error):
            raise
        raise SuiteError(f"{path}: {error}", code=error.code) from error
    except (Exception, SystemExit) as error:  # also sys.exit(): the run has failed, whatever code it gives
        if isinstance(error, Exception) and ran_out(error):
            raise
        text = f"{type(error).__name__}: {one_line(str(error)):.300}".rstrip(".")
        raise SuiteError(
            f"{path}{line_of(error, path)}: {part}: {text}{about}.", remedy or f"Fix the {part}."
        ) from error
