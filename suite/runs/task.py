"""What Slurm starts on a machine of its cluster, as `python -m suite.runs.task POOL`: it takes runs and trains them.

Each run has a process of its own, as on one machine. A task takes further runs until some minutes are over, so short
ones are bundled and a long one has a task for itself.
"""

import hashlib
import os
import platform
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from suite.engine import exact
from suite.execute.cores import available_cores
from suite.execute.processes import LocalProcesses
from suite.masking import masked
from suite.runs.events import Busy, Ended, Step
from suite.runs.plain import Plain, job_of, plain_event
from suite.runs.pool import GIVEN_BACK, TAKEN, Pool
from suite.runs.worker import local_processes, tell_operators, work

GOAL = 300.0  # seconds after which a task takes no further run: longer than its start and its wait in the queue
PAUSE = 2.0  # seconds between two `Step` events of a run, which go through a shared folder
ALONE = ("SUITE_", "MLFLOW_", "OPTUNA_", *exact.SWITCHES)  # variables that a task has from the command, or not at all


def main(folder: Path) -> None:
    """Take jobs from the pool in `folder` and do them; what is not finished at SIGTERM is given back."""
    pool, task = Pool(folder), f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    settings = pool.settings
    _settle(settings["environment"])
    signal.signal(signal.SIGTERM, _leave)
    until = time.monotonic() + GOAL
    cores = min(available_cores(), int(os.environ.get("SLURM_CPUS_ON_NODE") or 1))
    cores = 1 if settings["one_run"] else cores
    executor = local_processes(cores)
    try:
        mine = computed_here(executor, settings["same"])
        agreed = pool.agree({**mine, "node": platform.node()})
        differs = [kind for kind in settings["same"] if agreed.get(kind) != mine[kind]]
        jobs = {} if differs else pool.take(task, cores)
        pool.greet(task, {"node": platform.node(), "differs": differs})  # after: until then a task is on its way
        while jobs:
            _do(pool, task, jobs, executor)
            jobs = pool.take(task, cores) if time.monotonic() < until else {}
    finally:
        for job, holder in pool.taken().items():
            if holder == task:
                pool.tell(job, GIVEN_BACK)
                pool.give_back(job, task)


def computed_here(executor: LocalProcesses, kinds: list[str]) -> dict[str, str]:
    """For each kind of operators, the numeric class of this machine, or why it has none; `cpu` is the processor's name.

    Machines of one class come to the same weights, those of one processor to about the same times.
    """
    asked = [kind for kind in kinds if kind != "cpu"]
    found = {"cpu": str(exact.machine()["cpu"])} if "cpu" in kinds else {}
    with closing(executor.run(tell_operators, asked)) as events:
        for index, event in events:
            if isinstance(event, dict):
                found[asked[index]] = hashlib.sha256(repr(event).encode()).hexdigest()[:8]
            elif isinstance(event, str):
                found[asked[index]] = event
    return {kind: found.get(kind, "nothing: the process died") for kind in kinds}


def _do(pool: Pool, task: str, jobs: Mapping[str, Plain], executor: LocalProcesses) -> None:
    """Do these jobs at once, and tell the pool their events."""
    names = list(jobs)
    last = dict.fromkeys(names, 0.0)  # when a step was told
    busy = set[str]()
    for name in names:
        pool.tell(name, TAKEN)
    with closing(executor.run(work, [job_of(jobs[name]) for name in names])) as events:
        for index, event in events:
            name = names[index]
            if isinstance(event, Step) and time.monotonic() < last[name] + PAUSE:
                continue
            last[name] = time.monotonic()
            if isinstance(event, Ended) and name in busy:  # of a process that found the run's folder locked
                busy.remove(name)
                continue
            if isinstance(event, Ended) and event.exit == -signal.SIGTERM:
                time.sleep(1)  # Slurm ends all processes of a task together: then ours gets the signal here
            pool.tell(name, plain_event(event))
            if isinstance(event, Busy):
                busy.add(name)
            if isinstance(event, Ended):
                pool.drop(f"taken/{name}.{task}")


def _settle(carried: Mapping[str, str]) -> None:
    """Give this process the command's variables, and take away those that only a command should have."""
    for name, value in list(os.environ.items()):
        if name.startswith(ALONE) or masked(value) != value:
            del os.environ[name]
    os.environ.update(carried)


def _leave(*_: object) -> NoReturn:
    """Leave by the way of an exception, so that processes are ended and jobs given back."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
