"""What one worker process does: load the experiment and the data, claim the run's folder, train."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite import data
from suite.disk.journal import Busy, Run
from suite.engine import exact
from suite.errors import FAILED, MACHINE, SuiteError, machine_error
from suite.execute.processes import run_jobs, start_server
from suite.recipe import registry
from suite.recipe.trial import Budget, trial_identity

Event = dict[str, Any]
PRELOAD = "suite.engine.preload"
ELSEWHERE = ("SUITE_DEVICE", "SUITE_COMPILE")  # what suite.engine.device reads
RESERVE = 4 * 2**20  # bytes that are kept free for saying that there are no more
OUT_OF_MEMORY = ("can't allocate memory", "std::bad_alloc", "Cannot allocate memory")  # torch's words, C++'s, Linux's


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs to know, as plain values: it loads the experiment's file itself.

    With a `budget` it is a study's trial, which is trained until a `portion` of that is spent.
    """

    run: Run
    data_folder: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    budget: Budget | None = None
    portion: float = 1.0


def warm_up() -> None:
    """Let the server that workers are forked from load torch already, while this process does something else.

    Raises `SuiteError` where another device is asked for and is not here.
    """
    _require_device()
    start_server(exact.ENVIRONMENT, PRELOAD)


def side_by_side(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Event]]:
    """Do each job in a process of its own and yield (index of the job, event), as `run_jobs` does.

    Raises `SuiteError` where another device is asked for and is not here.
    """
    _require_device()
    return run_jobs(work, jobs, workers=workers, environment=exact.ENVIRONMENT, preload=PRELOAD)


def _require_device() -> None:
    """Ask once, in the parent, which loads torch for this and for nothing else."""
    if any(os.environ.get(name) for name in ELSEWHERE):
        from suite.engine.device import require

        require()


def work(job: Job, emit: Callable[[Event], None]) -> None:
    """Train the job's run; the last event is `done` with its result, `failed` with its one-line reason, or `busy`."""
    reserve = bytearray(RESERVE)
    try:
        with job.run.claim():
            result = job.run.result()
            if result is None:
                _send_output_to(job.run.folder / "output.log")
                emit({"event": "started"})
                result = _train(job, emit)
            emit({"event": "done", "result": result})
    except Busy:
        emit({"event": "busy"})
    except SuiteError as error:
        emit({"event": "failed", "reason": str(error), "code": error.code})
    except BrokenPipeError:
        raise
    except Exception as error:  # the experiment's own code may raise anything; its traceback is kept with the run
        del reserve
        traceback.print_exc()
        emit({"event": "failed", **_breakdown(error, job.run.folder / "output.log")})


def _breakdown(error: Exception, log: Path) -> Event:
    """The reason and the exit code for what no one foresaw."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        remedy = "Free some, or give fewer --workers, and run the same command again to go on."
        return {"reason": f"the machine has no memory left. {remedy}", "code": MACHINE}
    return {"reason": f"{type(error).__name__}: {text:.300} (see {log})", "code": FAILED}


def _train(job: Job, emit: Callable[[Event], None]) -> Event:
    experiment = registry.load(job.folders).choose([job.run.experiment])[0].changed(job.overrides)
    if job.run.identity != (trial_identity(experiment, job.budget) if job.budget else experiment.identity):
        raise SuiteError(f"{experiment.path} was changed after this run was planned.", "Run the same command again.")
    # torch comes with the engine; the parent, which imports this file, never loads it
    if job.budget:
        from suite.engine.trial import train_trial

        training = data.load_training(experiment.recipe.data, job.data_folder)
        return train_trial(job.run, experiment, training, job.budget, job.portion, emit)
    from suite.engine.train import train

    return train(job.run, experiment, data.load(experiment.recipe.data, job.data_folder), emit)


def _send_output_to(path: Path) -> None:
    """What a network prints, warns or crashes with goes to the run's folder, not across the table of all runs."""
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise machine_error(error, path) from error
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
