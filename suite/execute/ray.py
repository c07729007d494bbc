"""Runs jobs on the machines of a Ray cluster. It knows nothing of what a job does; a lost machine's jobs go elsewhere.

Each job has a process of its own there, one processor core, and no more than what was packed for it here.
"""

import signal
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from suite.execute.bundles import Bundles, Node
from suite.execute.cores import OpenFiles
from suite.execute.executor import Busy, Ended, Freight, Lost, Packed, Settled
from suite.execute.processes import RETRY
from suite.execute.ray_machines import RayMachines, words
from suite.execute.ray_start import Refused

LOOK = 2.0  # seconds between two looks at which machines there are
ALONE = 180.0  # seconds that jobs wait for a machine if there is none left
FAILURES = 3  # tasks that a machine may lose one after the other before any of their jobs begins
KILLED = (-signal.SIGKILL, -signal.SIGTERM)  # ends of a process that its machine decides, not the job

Pairs = Iterator[tuple[int, Any]]


@dataclass
class _Task:
    """A bundle on its way: the machine, the jobs by their position in it, those not ended, when it was heard last."""

    node: Node
    jobs: list[int]
    left: set[int]
    heard: float | None = None
    given: float = field(default_factory=time.monotonic)
    begun: set[int] = field(default_factory=set)


def carry(machines: RayMachines, freight: Freight) -> Generator[tuple[int, Any], None, None]:
    """Do all jobs of the freight and yield (index, event) as `Executor.run` does; closing it ends the running jobs.

    Raises `ray_start.Refused` if the cluster cannot be joined, or if its head is lost.
    """
    machines.warm_up()
    carrying = _Carrying(machines, freight)
    try:
        yield from carrying.events()
    except Exception as error:
        if not type(error).__module__.startswith("ray."):
            raise
        lost = f"the Ray cluster is lost: {words(error)}."
        raise Refused(lost, "Start it, and run the same command again.", user=False) from error
    finally:
        carrying.cancel()


class _Carrying:
    """The jobs of one call on their way."""

    def __init__(self, cluster: RayMachines, freight: Freight) -> None:
        self._cluster, self._freight = cluster, freight
        waiting = deque((0.0, index) for index in range(len(freight)))
        self._limit = OpenFiles()
        self._bundles = Bundles(waiting, freight.seconds, freight.apart, cluster.most, self._limit.jobs)
        self._tasks: dict[Any, _Task] = {}
        self._nodes: list[Node] = []
        self._failed: dict[str, tuple[float, int]] = {}  # of a machine: its last task without an event, and how many
        self._looked: float | None = None
        self._last_node = time.monotonic()

    def events(self) -> Pairs:
        """Yield (index, event) until every job has ended."""
        while self._bundles.waiting or self._tasks:
            yield from self._look()
            yield from self._give()
            for told in self._ready():
                yield from self._take(told)
            yield from self._give_up_silent_ones()

    def cancel(self) -> None:
        """End all that is on its way."""
        import ray

        for told in self._tasks:
            with suppress(Exception):  # the cluster itself may be lost
                ray.cancel(told, force=True)
        self._tasks.clear()
        self._limit.restore()

    def _look(self) -> Pairs:
        """See which machines there are; the jobs of those that are gone go elsewhere."""
        now = time.monotonic()
        if self._looked is not None and now - self._looked < LOOK:
            return
        self._nodes = self._cluster.nodes(wait=self._looked is None)
        self._looked = now = time.monotonic()
        here = {node.key for node in self._nodes}
        for told, task in list(self._tasks.items()):
            if task.node.key not in here:
                yield from self._lose(told, f"{task.node.name} is gone")
        if self._nodes:
            self._last_node = now
            for index in self._bundles.stranded(self._nodes):
                yield from self._freight.receive(index, Lost("there is no second machine"))
        elif self._cluster.hopeless() or now - self._last_node > ALONE:
            why = f"no machine of the cluster can be used ({self._cluster.reasons()})"
            while self._bundles.waiting:
                _, index = self._bundles.waiting.popleft()
                yield from self._freight.receive(index, Lost(why))

    def _give(self) -> Pairs:
        """Give jobs to all machines that have a free place."""
        while found := self._bundles.next(self._nodes, time.monotonic()):
            node, wanted = found
            jobs: list[int] = []
            values: list[Any] = []
            needs: dict[str, Any] = {}
            for index in wanted:
                match self._freight.pack(index):
                    case Packed(value, names):
                        jobs.append(index)
                        values.append(value)
                        needs |= {name: self._cluster.reference(self._freight, name) for name in names}
                    case Settled(events):
                        for event in events:
                            yield from self._freight.receive(index, event)
                    case Busy():
                        self._bundles.again(index, time.monotonic() + RETRY, first=False)
            if jobs:
                self._tasks[self._cluster.submit(node, values, needs)] = _Task(node, jobs, set(jobs))
            else:
                self._bundles.ended(node.key)

    def _ready(self) -> list[Any]:
        """Wait for news, not longer than until something else is to be done; the tasks that have any."""
        import ray

        if not self._tasks:
            time.sleep(0.1)
            return []
        told, _ = ray.wait(list(self._tasks), num_returns=1, timeout=RETRY, fetch_local=False)
        return list(told)

    def _take(self, told: Any) -> Pairs:
        """The events that a task has sent; its end, or its loss."""
        import ray

        task = self._tasks[told]
        try:
            events = ray.get(next(told))
        except StopIteration:
            if task.left:
                yield from self._lose(told, f"{task.node.name} ended a task before its jobs")
            else:
                self._forget(told)
            return
        except Exception as error:  # the worker or its machine is gone, or could not do it; Ray has many classes
            if not task.begun:
                self._count(task, words(error))
            yield from self._lose(told, f"{task.node.name}: {words(error)}")
            return
        if events:
            self._failed.pop(task.node.key, None)
        task.heard = time.monotonic()
        for position, event in events:
            index = task.jobs[position]
            task.begun.add(index)
            if isinstance(event, Ended):
                task.left.discard(index)
                if event.exit in KILLED:
                    yield from self._again(index, f"{task.node.name} killed its process", begun=True)
                    continue
            yield from self._freight.receive(index, event)

    def _give_up_silent_ones(self) -> Pairs:
        now = time.monotonic()
        for told, task in list(self._tasks.items()):
            if task.heard is not None and now - task.heard > self._cluster.patience:
                silent = f"no sign of life for {now - task.heard:.0f} s"
                self._give_up(task.node, silent)
                yield from self._lose(told, f"{task.node.name}: {silent}")

    def _count(self, task: _Task, why: str) -> None:
        """Give up a machine that fails in all that it is given. Tasks that were there together count as one."""
        now = time.monotonic()
        last, count = self._failed.get(task.node.key, (-1.0, 0))
        if task.given > last:
            self._failed[task.node.key] = (now, count + 1)
        if self._failed[task.node.key][1] >= FAILURES:
            self._give_up(task.node, why)

    def _give_up(self, node: Node, why: str) -> None:
        self._cluster.give_up(node, why)
        self._nodes = [one for one in self._nodes if one.key != node.key]

    def _lose(self, told: Any, reason: str) -> Pairs:
        """Give a lost task's jobs to other machines, those first that had begun."""
        import ray

        task = self._tasks[told]
        ray.cancel(told, force=True)
        self._forget(told)
        for index in sorted(task.left, key=lambda one: (one in task.begun, -one)):
            yield from self._again(index, reason, begun=index in task.begun)

    def _again(self, index: int, reason: str, *, begun: bool) -> Pairs:
        if self._freight.lost(index, begun=begun):
            self._bundles.again(index, 0.0, first=True)
        else:
            yield from self._freight.receive(index, Lost(reason))

    def _forget(self, told: Any) -> None:
        self._bundles.ended(self._tasks.pop(told).node.key)
