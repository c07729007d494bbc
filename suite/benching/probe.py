"""One side of a measurement, in its own process: `python -m suite.benching.probe JOB`, with JSON lines in and out.

The process runs in the checkout and interpreter that are measured, so two versions of the suite share only these lines.
`{"round": true}` forks a process that runs the job's loop. There `{"steps": n}` runs n steps and answers with their
seconds, and `{"close": true}` ends the process and is answered with `{"closed": true}`. If the system counts it, the
field `waited` tells for how many seconds the loop's thread was ready but waited for a busy core.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from suite.engine.memory import peak_mib
from suite.errors import one_line

Line = dict[str, Any]
PROTOCOL = 1  # increase it when these lines change, so that two versions never misunderstand each other
WAITING = Path("/proc/thread-self/schedstat")  # Linux: nanoseconds running, nanoseconds waiting, number of time slices


class _Meter:
    """Runs a loop for the number of steps that the parent asks for, and answers with their times."""

    def __init__(self) -> None:
        self._begun, self._waited = time.perf_counter(), _seconds_waited()
        self._left = 1  # the first step includes all one-time work, so its time is reported as the start-up time
        self._images = 0
        self._times: list[float] = []

    def __call__(self, images: int) -> None:
        self._left -= 1
        # At the end the waiting time is read before the clock, at the start after it. So it never exceeds the seconds.
        waited = 0.0 if self._left else _seconds_waited() - self._waited
        self._images += images
        self._times.append(time.perf_counter())
        if not self._left:
            self._answer(waited)
            self._await()

    def _answer(self, waited: float) -> None:
        steps = [after - before for before, after in zip([self._begun, *self._times], self._times, strict=False)]
        _say({
            "seconds": self._times[-1] - self._begun, "waited": waited, "images": self._images, "steps": steps,
            "peak_mib": peak_mib(),
        })  # fmt: skip

    def _await(self) -> None:
        told = _hear()
        if told is None or "steps" not in told:
            os._exit(0)
        self._left, self._images, self._times = int(told["steps"]), 0, []
        self._begun, self._waited = time.perf_counter(), _seconds_waited()


def main(words: str) -> None:
    """Load everything heavy once, then serve rounds until the parent closes the pipe."""
    job = json.loads(words)
    from suite import __version__, data
    from suite.benching.loops import LOOPS, load_libraries
    from suite.engine.alone import load_alone

    if job["exact"]:
        from suite.engine.exact import make_exact, make_portable

        if job.get("portable"):
            make_portable()
        make_exact()
    experiment = load_alone(job["experiment"], map(Path, job["folders"])).changed(job["overrides"])
    images = data.load(experiment.recipe.data, Path(job["data"]))
    import torch

    load_libraries(job["loop"])
    _say({
        "protocol": PROTOCOL, "suite": __version__, "torch": str(torch.__version__), "identity": experiment.identity,
        "counts_waiting": WAITING.exists(),
    })  # fmt: skip
    while _hear() is not None:
        child = os.fork()
        if not child:
            _go(partial(LOOPS[job["loop"]], experiment, images))
        _, status = os.waitpid(child, 0)
        # The parent waits for this answer. So its next command cannot be read by the round's process.
        _say({"failed": f"it ended with {os.waitstatus_to_exitcode(status)}"} if status else {"closed": True})


def _go(loop: Callable[["_Meter"], None]) -> NoReturn:
    """Run a round in its own process; the loop returns only with an exception."""
    try:
        loop(_Meter())
    except Exception as error:
        _say({"failed": f"{type(error).__name__}: {one_line(str(error)):.300}"})
    os._exit(0)


def _seconds_waited() -> float:
    """The seconds that this thread was ready but had no core; 0 if the system does not count them."""
    return int(WAITING.read_bytes().split()[1]) / 1e9 if WAITING.exists() else 0.0


def _hear() -> Line | None:
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def _say(line: Line) -> None:
    print(json.dumps(line), file=_OUT, flush=True)


if __name__ == "__main__":
    _OUT = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a network may print: send that to stderr, because stdout carries our answers
    main(sys.argv[1])
