"""`python -m suite` and the script `suite`."""

import atexit
import gc
import os
import sys
import threading
import traceback
from contextlib import suppress
from types import TracebackType
from typing import NoReturn


def main() -> NoReturn:
    """The whole program; Ctrl-C while it is still being loaded is one line too."""
    # Python looks for garbage after each 700 new objects. The libraries make millions, which stay to the end: a report
    # took 2.7 s of processor time, and takes 2.3 s so (10 pairs: 0.2 to 0.5 s less).
    gc.set_threshold(50_000, 20, 20)
    sys.excepthook = _show
    threading.excepthook = lambda it: _show(it.exc_type, it.exc_value or it.exc_type(), it.exc_traceback)
    _open_closed_streams()
    try:
        from suite.cli import main as run
    except KeyboardInterrupt:
        print("suite: interrupted before anything began.", file=sys.stderr)
        sys.exit(130)
    _leave(run())


def _show(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    """Print the traceback of what nobody foresaw, secrets masked: a driver's own words may have an address in them."""
    from suite.masking import masked

    print(masked("".join(traceback.format_exception(kind, error, at))), end="", file=sys.stderr)


def _open_closed_streams() -> None:
    """Let a stream that the caller has closed be the null device: the next file opened would get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def _leave(code: int) -> NoReturn:
    """End without tidying up: where MLflow is loaded it takes Python a second, and the system frees all of it anyway.

    It would also cut off a thread that waits for a tracker, and abort if that waits in C++.
    """
    if not any(thread.daemon for thread in threading.enumerate()):
        atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
