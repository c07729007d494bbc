"""Named moments at which a test can kill this process, to imitate a power cut or `kill -9`."""

import os
import signal

_passed: dict[str, int] = {}


def at(step: str, of: str = "") -> None:
    """Kill this process if SUITE_CRASH_AT names this moment: `STEP`, `STEP@FILE`, or `STEP@FILE#2` the second time."""
    wanted = os.environ.get("SUITE_CRASH_AT")
    if wanted is None:
        return
    here = f"{step}@{of}" if of else step
    _passed[here] = _passed.get(here, 0) + 1
    if wanted in (here, f"{here}#{_passed[here]}"):
        os.kill(os.getpid(), signal.SIGKILL)
