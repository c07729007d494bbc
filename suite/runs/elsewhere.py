"""Trains runs on the machines of a Ray cluster: an `Executor` like that of this machine, with the same folders."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from suite.errors import MACHINE, USER, SuiteError
from suite.execute import ray, ray_start
from suite.execute.cores import available_cores
from suite.execute.executor import Work
from suite.execute.ray_machines import Answers, RayMachines
from suite.execute.share import ONE, Share
from suite.runs.freight import RunsFreight
from suite.runs.there import CLASSES, QUESTION, Answered, Training, versions
from suite.runs.twice import Twice, drawn
from suite.runs.worker import Job
from suite.runs.worker import work as train_run

Say = Callable[[str], None]


class Elsewhere:
    """An `Executor` of runs on a Ray cluster. This process claims and writes the folders. `say` and `warn` get lines.

    Without an `address` a cluster of this machine is started, with `workers` runs at once. `share` is what a run gets
    of its machine; it computes with one thread all the same.
    """

    def __init__(
        self, address: str | None, workers: int | None, say: Say, warn: Say, *, allow_unauthenticated: bool = False,
        share: Share = ONE,
    ) -> None:  # fmt: skip
        there = Training.of_user()
        cores = workers or available_cores()
        self.machines = RayMachines(
            there, [QUESTION], self._admit, max(cores, available_cores()) if share.cores > 1 else cores,
            there.environment(os.environ), address=address, most=workers, unauthenticated=allow_unauthenticated,
            warn=warn, share=share,
        )  # fmt: skip
        self._there, self._say, self._warn = there, say, warn
        self._classes: tuple[str, ...] | None = None  # those of the machines that are used
        self._named: set[str] = set()  # the machines whose refusal was told
        self._rates: dict[str, float] = {}
        self._twice_done = False

    def warm_up(self) -> None:
        """Join or start the cluster; raises `SuiteError` if that is not possible."""
        try:
            ray_start.require()
            self.machines.warm_up()
        except ray_start.Refused as error:
            raise _refused(error) from error

    @property
    def scratch(self) -> None:
        """Temporary runs may be in any folder: the other machines see none of this one's."""

    @property
    def workers(self) -> int:
        """How many runs are trained at once. Waits until the machines have said what they are."""
        self.warm_up()
        places = sum(node.places for node in self.machines.nodes(wait=True))
        return max(1, min(places, self.machines.most or places))

    def require_one_kind(self, what: str) -> None:
        """Raise `SuiteError` (2) if the machines have different processors: `what` depends on their speed."""
        self.warm_up()
        kinds = sorted({one.facts["cpu"] for told in self.machines.answers().values() if (one := _answer(told))})
        if len(kinds) > 1:
            raise SuiteError(
                f"{what}: times differ between this cluster's {len(kinds)} kinds of machines ({', '.join(kinds)}).",
                "Use machines of one kind, or --budget samples and --objective accuracy.",
            )

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """See `Executor.run`; `work` is that of `suite.runs.worker`, and the jobs are its runs."""
        assert work is train_run  # questions about an experiment are asked on this machine
        self.warm_up()
        if not jobs:
            return
        with tempfile.TemporaryDirectory(prefix="suite-twice-") as scratch:
            twice = self._twice(jobs, Path(scratch))
            freight = RunsFreight(jobs, self._there, self._rates, twice)
            try:
                with closing(ray.carry(self.machines, freight)) as events:
                    yield from events
            except ray_start.Refused as error:
                raise _refused(error) from error
            finally:
                freight.close()

    def _twice(self, jobs: Sequence[Job], scratch: Path) -> Twice | None:
        """A run that is done twice: one of the first jobs of a command, if there are two machines."""
        timed = any(job.budget and job.budget.kind == "seconds" for job in jobs)
        if self._twice_done or timed or len(self.machines.nodes(wait=True)) < 2:
            return None
        self._twice_done = True
        index = drawn(jobs)
        return Twice(index, len(jobs), jobs[index], scratch, self._say)

    def _admit(self, answers: Answers) -> Mapping[str, str]:
        """Why machines are not used: other versions than here, or another numeric class than most of them."""
        refused = {name: _why_not(told) for name, told in answers.items()}
        classes = {name: one.classes for name, told in answers.items() if not refused[name] and (one := _answer(told))}
        if classes and self._classes is None:
            most = Counter(classes.values())
            self._classes = min(most, key=lambda one: (-most[one], one))
        other = {name: one for name, one in classes.items() if one != self._classes}
        refused |= {name: f"its numeric class is {_words(one)}" for name, one in other.items()}
        found = {name: why for name, why in refused.items() if why}
        for name in found.keys() - self._named:
            self._warn(f"{name} is not used: {found[name]}.")
        self._named |= found.keys()
        return found


def _refused(error: ray_start.Refused) -> SuiteError:
    return SuiteError(str(error), error.remedy, code=USER if error.user else MACHINE)


def _answer(told: Sequence[Any] | str) -> Answered | None:
    return next((one for one in told if isinstance(one, Answered)), None)


def _words(classes: tuple[str, ...]) -> str:
    return ", ".join(f"{one} for {name}" for name, one in zip(CLASSES, classes, strict=True))


def _why_not(told: Sequence[Any] | str) -> str:
    """Why a machine cannot train what is planned here; empty if it can."""
    if isinstance(told, str):
        return told
    answer, here = _answer(told), versions()
    if answer is None:
        return "its process ended without a word"
    other = [name for name, value in here.items() if answer.facts.get(name) != value]
    its = {name: answer.facts.get(name, "unknown")[:16] for name in other}
    return "; ".join(f"its {name} is {its[name]}, here it is {here[name][:16]}" for name in other)
