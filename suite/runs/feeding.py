"""The command's side of a pool: submits arrays of tasks while jobs wait, hears events, and cares for what was lost."""

import shlex
import signal
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from suite.errors import FAILED
from suite.execute.slurm import Refused, Slurm, Task
from suite.runs.events import Ended, EpochEnded, Failed
from suite.runs.plain import Plain, event_of, plain_job
from suite.runs.pool import GIVEN_BACK, TAKEN, Pool, digest_of
from suite.runs.worker import Job
from suite.text import plural

PAUSE, LOOK = 0.5, 5.0  # seconds between two looks into the pool, and between two questions to Slurm
SILENCE = 600.0  # seconds without an answer of Slurm after which the command gives up
ENDING = 60.0  # seconds that cancelled tasks have to end
LARGEST = 1_000  # tasks that may be queued at once: an array of Slurm has 1,001 at most, unless its site allows more
TRIES = 5  # how often a run may lose its task without an epoch in between, and how many tasks may end unheard
STARTING = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")  # variables that Python needs before it can read the pool

Pairs = Iterator[tuple[int, Any]]
Say = Callable[[str], None]


class Feeding:
    """One call of the executor: these jobs, done by the tasks of one pool."""

    def __init__(self, pool: Pool, slurm: Slurm, jobs: Sequence[Job], most: int | None, say: Say, warn: Say) -> None:
        self._pool, self._slurm, self._most, self._say, self._warn = pool, slurm, most, say, warn
        self._jobs = self._put(jobs)  # those that have not ended, and their indices
        self._heard = dict.fromkeys(self._jobs, 0)  # bytes of each job's events
        self._losses = Counter[str]()
        self._greeted: dict[str, Plain] = {}  # the tasks that have begun, and what they said
        self._avoid: dict[str, None] = {}  # machines that must not get a task again
        self._answered = time.monotonic()
        self._reasons = ""

    def events(self) -> Generator[tuple[int, Any], None, None]:
        """Yield (index, event) until all jobs have ended. At the end, and if it is closed, no task of the pool goes on.

        Raises `Refused` where Slurm does not do what it should.
        """
        look = 0.0
        try:
            while self._jobs:
                begun = time.monotonic()
                yield from self._hear()
                took = time.monotonic() - begun  # with many runs on a slow file system
                if self._jobs and time.monotonic() >= look:
                    yield from self._look()
                    look = time.monotonic() + LOOK
                if self._jobs:
                    time.sleep(min(LOOK, max(PAUSE, 4 * took)))
        finally:
            self._end()

    def _put(self, jobs: Sequence[Job]) -> dict[str, int]:
        """Put into the pool what is not there from a killed command, and drop what that left and nobody wants now."""
        pool = self._pool
        known = {name.partition("-")[2]: name for name in [*pool.taken(), *pool.names("waiting")]}
        found = {}
        for index, job in enumerate(jobs):
            facts = plain_job(job)
            name = known.get(digest_of(facts)) or pool.name_of(index, facts)
            if digest_of(facts) not in known:
                pool.drop(f"events/{name}")
                pool.put(name, facts)
            found[name] = index
        pool.drop(*(f"waiting/{name}" for name in pool.names("waiting") if name not in found))
        return found

    def _hear(self) -> Pairs:
        """The new events of all jobs that were ever taken."""
        for name in self._pool.names("events"):
            if name not in self._jobs:
                continue
            index = self._jobs[name]
            told, self._heard[name] = self._pool.told(name, self._heard[name])
            for facts in told:
                if facts == GIVEN_BACK:
                    self._losses[name] += 1
                elif facts != TAKEN:
                    event = event_of(facts)
                    yield index, event
                    if isinstance(event, EpochEnded):
                        del self._losses[name]
                    if isinstance(event, Ended):
                        del self._jobs[name]
                        break

    def _look(self) -> Pairs:
        """Ask Slurm for the tasks; give back what lost ones had, and submit as many as are missing."""
        taken = self._pool.taken()  # before Slurm is asked: a task that begins meanwhile is not taken for lost
        tasks = self._slurm.tasks(self._arrays())
        if tasks is None:
            if time.monotonic() > self._answered + SILENCE:
                raise Refused(f"squeue has not answered for {SILENCE:.0f} s; the tasks go on without this command")
            return
        self._answered = time.monotonic()
        self._pool.greetings(self._greeted)
        alive = {name for name, task in tasks.items() if not task.over}
        for job, task in taken.items():
            if task not in alive and self._pool.give_back(job, task):
                self._losses[job] += 1
        self._judge(tasks)
        waiting = self._pool.names("waiting")
        if waiting and not alive and any(task.state == "CANCELLED" for task in tasks.values()):
            yield from self._drop(waiting, lambda _: Ended(-signal.SIGTERM))
            return
        yield from self._drop([name for name in waiting if self._losses[name] >= TRIES], self._lost)
        waiting = self._pool.names("waiting")
        self._submit(min(len(waiting) - len(alive - {*self._greeted}), LARGEST - len(alive)))
        self._tell_why(tasks)

    def _judge(self, tasks: Mapping[str, Task]) -> None:
        """Avoid machines that compute something else or where tasks end before they begin; raises `Refused`."""
        for facts in self._greeted.values():
            if facts["differs"] and facts["node"] not in self._avoid:
                self._avoid[facts["node"]] = None
                first = (self._pool.agreed() or {}).get("node")
                kinds = ", ".join(facts["differs"])
                self._warn(
                    f"{facts['node']} computes other numbers than {first} ({kinds}) and got no run. "
                    "Name machines of one kind, as with --slurm-options constraint=NAME."
                )
        dead = [name for name, task in tasks.items() if task.over and name not in self._greeted and task.is_fault]
        self._avoid |= dict.fromkeys(tasks[name].node for name in dead if self._greeted and tasks[name].node)
        if len(dead) >= TRIES:
            state = tasks[dead[-1]].state
            last = self._pool.last_words(dead[-1]) or "it printed nothing"
            raise Refused(f"{TRIES} tasks ended before they began; the last one: {state}, {last}")

    def _submit(self, count: int) -> None:
        if count <= 0:
            return
        settings = self._pool.settings
        words = [settings["python"], "-P", "-m", "suite.runs.task", str(self._pool.folder)]
        array = self._slurm.submit(
            f"#!/bin/sh\nexec {shlex.join(words)}\n",
            count,
            most=self._most,
            output=self._pool.log,
            environment={name: value for name, value in settings["environment"].items() if name in STARTING},
            avoid=list(self._avoid),
        )
        self._pool.note_array(array)
        self._say(f"Slurm: array {array}, {plural(count, 'task')}.")

    def _tell_why(self, tasks: Mapping[str, Task]) -> None:
        """Say why nothing runs, if that is so and was not said before."""
        waits = sorted({task.reason for task in tasks.values() if task.waits})
        runs = any(not task.over and not task.waits for task in tasks.values())
        reasons = "" if runs else ", ".join(waits)
        if reasons and reasons != self._reasons:
            self._say(f"Slurm: all tasks wait ({reasons}).")
        self._reasons = reasons

    def _drop(self, names: Sequence[str], last: Callable[[str], Any]) -> Pairs:
        """End jobs that wait."""
        for name in names:
            self._pool.drop(f"waiting/{name}")
            if name in self._jobs:
                index, event = self._jobs.pop(name), last(name)
                yield index, event
                if not isinstance(event, Ended):
                    yield index, Ended(1)

    def _lost(self, name: str) -> Failed:
        why = f"its task in Slurm ended {self._losses[name]} times before an epoch was trained"
        return Failed(f"{why}. Give more time or memory (--slurm-options), and run the same command again.", FAILED)

    def _arrays(self) -> list[str]:
        """The arrays of the pool, also one that a killed command could not note any more."""
        tasks = [*self._pool.taken().values(), *self._pool.names("tasks")]
        return sorted({*self._pool.names("arrays"), *(task.partition("_")[0] for task in tasks)})

    def _end(self) -> None:
        """Cancel what is left, and remove the pool. What cannot be cancelled goes on; a later command hears of it."""
        arrays = self._arrays()
        try:
            self._slurm.cancel(arrays)
        except Refused as error:
            self._warn(f"Slurm: {error}; the tasks go on.")
            return
        until = time.monotonic() + (ENDING if self._pool.taken() else 0)
        while True:
            tasks = self._slurm.tasks(arrays)
            if tasks is not None and all(task.over for task in tasks.values()):
                break
            if time.monotonic() > until:
                break
            time.sleep(PAUSE)
        self._pool.remove()
