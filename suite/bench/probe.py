"""One side of a measurement, in a process of its own: python -m suite.bench.probe JOB, commands and answers by line.

It is started in whatever checkout and interpreter are measured, so the lines are all that two versions share:
`{"round": true}` forks a process that runs the job's loop; in it `{"steps": n}` does n steps and answers their
seconds, and `{"close": true}` ends it and is answered by `{"closed": true}`. Where the system counts it, answers also
say how long the loop's thread was ready to work and `waited` for a core that others had.
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

Line = dict[str, Any]
PROTOCOL = 1  # raised when these lines change, so that no version misunderstands another
WAITING = Path("/proc/thread-self/schedstat")  # Linux's: nanoseconds at work, nanoseconds ready and waiting, turns


class _Meter:
    """Lets a loop go on by as many steps as it is told to, and says how long they took."""

    def __init__(self) -> None:
        self._begun, self._waited = time.perf_counter(), _seconds_waited()
        self._left = 1  # the first step builds what is built once; its time is that of getting started
        self._images = 0
        self._times: list[float] = []

    def __call__(self, images: int) -> None:
        self._left -= 1
        # The last waiting is read before the clock, and the first one after it: it is never more than what passed.
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
    """Load what is heavy once, then serve one round after the other until the other end falls silent."""
    job = json.loads(words)
    from suite import __version__, data
    from suite.bench.loops import LOOPS, load_libraries
    from suite.recipe import registry

    experiment = registry.load(Path(folder) for folder in job["folders"]).choose([job["experiment"]])[0]
    experiment = experiment.changed(job["overrides"])
    images = data.load(experiment.recipe.data, Path(job["data"]))
    if job["exact"]:
        from suite.engine.exact import make_exact

        make_exact()
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
        # Answered, so that the next command is not in the pipe while the round's process still reads from it.
        _say({"failed": f"it ended with {os.waitstatus_to_exitcode(status)}"} if status else {"closed": True})


def _go(loop: Callable[["_Meter"], None]) -> NoReturn:
    """A round, in its own process; a loop ends only by failing."""
    try:
        loop(_Meter())
    except Exception as error:
        _say({"failed": f"{type(error).__name__}: {' '.join(str(error).split()):.300}"})
    os._exit(0)


def _seconds_waited() -> float:
    """How long this thread has been ready to work while others had the cores; 0 where the system does not count it."""
    return int(WAITING.read_bytes().split()[1]) / 1e9 if WAITING.exists() else 0.0


def _hear() -> Line | None:
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def _say(line: Line) -> None:
    print(json.dumps(line), file=_OUT, flush=True)


if __name__ == "__main__":
    _OUT = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a network prints is no answer
    main(sys.argv[1])
