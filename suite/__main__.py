"""`python -m suite` and the script `suite`."""

import os
import sys
import threading
from contextlib import suppress


def main() -> int:
    """The whole program; Ctrl-C while it is still being loaded is one line too."""
    try:
        from suite.cli import main as run
    except KeyboardInterrupt:
        print("suite: interrupted before anything began.", file=sys.stderr)
        return 130
    code = run()
    if any(thread.daemon for thread in threading.enumerate()):
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End without tidying up: Python would cut off a thread that waits for a tracker, and abort if it waits in C++."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
