"""What Ray calls on a machine of a cluster: a bundle of jobs, each in a process of its own, and a sign of life."""

import os
import queue
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from suite.execute.executor import Emit, There
from suite.execute.processes import run_jobs

Told = list[tuple[int, Any]]  # events with the position of their job in the bundle; empty as a sign of life


def bundle(there: There, values: Sequence[Any], needs: Mapping[str, Any], beat: float) -> Iterator[Told]:
    """Do the jobs of a bundle one after the other, and yield their events, or an empty list every `beat` seconds.

    `needs` are references to the large values that the jobs need, by name. They are fetched only if this machine lacks
    them. A job that crashes harms nobody: its last event is `Ended`, as on one machine.
    """
    yield []
    _settle(there)
    for need, reference in needs.items():
        if there.lacks(need):
            import ray

            there.keep(need, ray.get(reference))
    told: queue.SimpleQueue[tuple[int, Any] | BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=_work, args=(there, values, told), daemon=True).start()
    while True:
        try:
            events = [told.get(timeout=beat)]
        except queue.Empty:
            yield []
            continue
        while not told.empty():
            events.append(told.get())
        if pairs := [event for event in events if isinstance(event, tuple)]:
            yield pairs
        if isinstance(events[-1], BaseException):
            raise events[-1]
        if events[-1] is None:
            return


def _work(there: There, values: Sequence[Any], told: "queue.SimpleQueue[Any]") -> None:
    try:
        environment = dict(os.environ)
        gpus = {name: value for name, value in environment.items() if name.endswith("VISIBLE_DEVICES")}
        jobs = run_jobs(partial(_with, gpus, there), values, workers=1, environment=environment, preload=there.preload)
        with closing(jobs) as events:
            for pair in events:
                told.put(pair)
        told.put(None)
    except BaseException as error:  # raised again where Ray can see it
        told.put(error)


def _with(gpus: Mapping[str, str], there: There, value: Any, emit: Emit) -> None:
    """Do a job on the GPUs that Ray gave to this bundle: the processes' server may have started for one with others."""
    os.environ.update(gpus)
    there.work(value, emit)


def _settle(there: There) -> None:
    """Give this process the variables of a job and no others, and keep Ray's own program out of the jobs' processes."""
    wanted = dict(there.environment(os.environ))
    for name in {*os.environ} - {*wanted}:
        del os.environ[name]
    os.environ.update(wanted)
    vars(sys.modules["__main__"]).pop("__file__", None)  # multiprocessing would run it in each process that it starts
