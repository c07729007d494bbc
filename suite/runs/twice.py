"""One run of a command that is done twice, on two machines: it is finished only if both come to the same numbers."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from suite.analysis.sameness import first_difference
from suite.disk import files
from suite.disk.documents import Record
from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError
from suite.runs.events import Done, Ended, Event, Failed
from suite.runs.worker import Job

_REMEDY = "Look at doctor's numeric classes on both, and at their memory; the same command tries again."


def drawn(jobs: Sequence[Job]) -> int:
    """The index of the run that is done twice: the lowest SHA-256 of identity and seed, so nobody chooses it."""
    return min(range(len(jobs)), key=lambda index: _lot(jobs[index].run))


def _lot(run: Run) -> str:
    return hashlib.sha256(f"{run.identity} {run.seed}".encode()).hexdigest()


@dataclass
class Twice:
    """The run at `index` and its twin at `twin`, whose folder is below `scratch`. `say` gets a line about both."""

    index: int
    twin: int
    first: Job
    scratch: Path
    say: Callable[[str], None]
    _result: bytes | None = None
    _ends: dict[int, list[Event]] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        """The twin: the same run, from its start, in a folder of its own."""
        run = self.first.run
        return replace(self.first, run=Run.under(self.scratch, run.experiment, run.identity, run.seed))

    def without_result(self, index: int, contents: dict[str, bytes]) -> dict[str, bytes]:
        """The files of a run's folder that may be written now: the first one's result waits for the twin."""
        if index == self.index and "result.json" in contents:
            self._result = contents["result.json"]
            return {name: one for name, one in contents.items() if name != "result.json"}
        return contents

    def heard(self, index: int, events: list[Event]) -> list[Event]:
        """The events that the caller gets now of the first run, after these of it or of its twin."""
        ends = self._ends.setdefault(index, [])
        ends += [event for event in events if isinstance(event, Done | Failed | Ended)]
        passed = [event for event in events if event not in ends] if index == self.index else []
        over = [any(isinstance(event, Ended) for event in self._ends.get(one, ())) for one in (self.index, self.twin)]
        return [*passed, *self._judged()] if all(over) else passed

    def _judged(self) -> list[Event]:
        """The first one's end: as it came, or a failure if its twin has other numbers."""
        ends, name = self._ends[self.index], self.first.run.name
        done, other = (_result_of(self._ends[one]) for one in (self.index, self.twin))
        if done is None:
            return ends
        if other is None:
            why = next(
                (event.reason for event in self._ends[self.twin] if isinstance(event, Failed)), "its process died"
            )
            self.say(f"{name} was to be trained twice, on two machines: {why}")
        elif found := first_difference(self.first.run.history(), self.job.run.history(), done, other):
            why = f"two machines came to different numbers, first in {found.words()}. {_REMEDY}"
            return [Failed(why, FAILED), ends[-1]]
        else:
            self.say(f"{name} was trained twice, on two machines: the same numbers, bit for bit.")
        try:
            self._finish()
        except SuiteError as error:
            return [Failed(str(error), error.code), ends[-1]]
        return ends

    def _finish(self) -> None:
        if self._result is not None:
            files.write(self.first.run.folder / "result.json", self._result)
            self.first.run.check_files()


def _result_of(ends: Sequence[Event]) -> Record | None:
    """The result among the last events of a run; a trial's has no metrics."""
    return next(({"metrics": {}, **event.result} for event in ends if isinstance(event, Done)), None)
