"""The sides of a measurement: which loop each one runs, in which checkout, interpreter and environment."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from suite.benching.probe import PROTOCOL
from suite.engine.exact import ENVIRONMENT
from suite.errors import FAILED, SuiteError, one_line
from suite.recipe.registry import OURS

Line = dict[str, Any]
Threads = Literal["exact", "one", "all"]
HERE = OURS.parent
_RAISED = re.compile(r"[\w.]+(Error|Exception|Exit|Interrupt)\b")  # the last line of a traceback


@dataclass(frozen=True)
class Side:
    """One loop, in `copies` parallel processes. `threads`: the suite's exact settings, one thread, or torch's default.

    `by_torch`: torch computes the suite's own loop, where otherwise our kernels might.
    `source` is the checkout whose suite is measured; the interpreter `python` provides the other packages. A side with
    a `job` of its own runs that one.
    """

    name: str
    loop: str
    threads: Threads = "exact"
    copies: int = 1
    by_torch: bool = False
    python: str = sys.executable
    source: Path = HERE
    job: "Workload | None" = None

    @property
    def single(self) -> bool:
        """Whether the side is one process with one thread."""
        return self.threads != "all" and self.copies == 1

    def environment(self) -> dict[str, str]:
        """The environment of its processes: the user's, with the suite's variables replaced by those of the side."""
        own = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
        chosen = {
            "exact": ENVIRONMENT,
            "one": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            "all": {},
        }[self.threads]
        own |= {"SUITE_KERNELS": "torch"} if self.by_torch else {}
        # Lightning loads matplotlib too, which refuses to be loaded where a backend is named that it cannot have.
        return {**own, **chosen, "MPLBACKEND": "agg", "PYTHONPATH": str(self.source)}


@dataclass(frozen=True)
class Workload:
    """Which experiment is measured, with which overrides, folders and data.

    `portable` is the recipe's: as in `suite.runs.worker.Job`, it must be known before the file is loaded. `modules` are
    folders of modules that the experiment's file may import.
    """

    experiment: str
    data: Path
    overrides: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    portable: bool = False
    modules: tuple[Path, ...] = ()

    def environment(self, side: Side) -> dict[str, str]:
        """The environment of the side's processes, in which the experiment's modules can be imported."""
        found = side.environment()
        return {**found, "PYTHONPATH": os.pathsep.join(map(str, [side.source, *self.modules]))}

    def words(self, side: Side) -> str:
        """The job as the probe's command-line argument: one JSON object."""
        return json.dumps({
            "experiment": self.experiment, "data": str(self.data), "overrides": dict(self.overrides),
            "folders": [str(folder) for folder in self.folders], "exact": side.threads == "exact",
            "loop": side.loop, "portable": self.portable,
        })  # fmt: skip


def probe_of(source: Path) -> str:
    """The module that measures a side in this checkout; before the room had its name of today it was `suite.bench`."""
    return f"suite.{'benching' if (source / 'suite' / 'benching').is_dir() else 'bench'}.probe"


class Probe:
    """A process that runs one side. A failure raises `SuiteError`: 2 if the process never started, else 1."""

    def __init__(self, side: Side, job: Workload) -> None:
        self.side, job = side, side.job or job
        self._facts: Line | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        try:
            self._process = subprocess.Popen(
                [side.python, "-m", probe_of(side.source), job.words(side)],
                cwd=side.source, env=job.environment(side), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints,
            )  # fmt: skip
        except OSError as error:
            self._complaints.close()
            raise SuiteError(
                f"{side.python}: {(error.strerror or str(error)).lower()}.", "Give the path of a Python interpreter."
            ) from error

    def facts(self) -> Line:
        """The versions, and the identity of the measured experiment; waits until the process has loaded."""
        if self._facts is None:
            self._facts = self._first_line()
        return self._facts

    def _first_line(self) -> Line:
        found = self._read()
        if found is None or found.get("protocol") != PROTOCOL:
            reason = self._last_complaint() or "it gave no reason"
            raise SuiteError(
                f"{self.side.name}: {self.side.python} with {self.side.source} cannot be measured: {reason}.",
                "It needs this suite's bench and its libraries.",
            )
        return found

    def tell(self, **line: Any) -> None:
        """Send a command without waiting; `hear` returns the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{json.dumps(line)}\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failed() from error

    def hear(self) -> Line:
        """Wait for the answer to a command and return it; raises `SuiteError` (1) if the process failed."""
        found = self._read()
        if found is None or "failed" in found:
            raise self._failed(found["failed"] if found else "")
        return found

    def close(self) -> None:
        """Kill the process, whatever it is doing; its round then ends too."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def _read(self) -> Line | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def _failed(self, reason: str = "") -> SuiteError:
        return SuiteError(f"{self.side.name}: {reason or self._last_complaint() or 'its process ended'}.", code=FAILED)

    def _last_complaint(self) -> str:
        self._process.wait(timeout=10)
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        raised = [line for line in lines if _RAISED.match(line)]  # warnings may follow, at the process's end
        return one_line((raised or lines)[-1])[:300] if lines else ""


@contextmanager
def probes(sides: tuple[Side, ...], job: Workload) -> Iterator[dict[str, list[Probe]]]:
    """The processes of all sides, by name; they load in parallel and are ended when the context ends."""
    started: dict[str, list[Probe]] = {side.name: [] for side in sides}
    try:
        for side in sides:
            started[side.name] += [Probe(side, job) for _ in range(side.copies)]
        yield started
    finally:
        for probe in (probe for group in started.values() for probe in group):
            probe.close()
