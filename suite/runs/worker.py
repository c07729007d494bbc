"""What one worker process does: load the experiment and the data, claim the run's folder, train."""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite import data
from suite.disk.documents import Result
from suite.disk.journal import Busy as Claimed
from suite.disk.journal import Run
from suite.engine import exact
from suite.errors import FAILED, MACHINE, SuiteError, load_error, machine_error
from suite.execute.cores import available_cores
from suite.execute.processes import LocalProcesses
from suite.recipe import registry
from suite.recipe.trial import Budget, trial_identity
from suite.runs.events import Busy, Done, Event, Failed, Started

PRELOAD = "suite.engine.preload"
ELSEWHERE = ("SUITE_DEVICE", "SUITE_COMPILE")  # what suite.engine.device reads
RESERVE = 4 * 2**20  # bytes that are kept free so that a process out of memory can still report it
OUT_OF_MEMORY = ("can't allocate memory", "std::bad_alloc", "Cannot allocate memory")  # torch's words, C++'s, Linux's


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs to know, as plain values: it loads the experiment's file itself.

    `folders` are the user's own folders of experiments. With a `budget` the run is a study's trial, which is trained
    until a `portion` of the budget is spent.
    """

    run: Run
    data_folder: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    budget: Budget | None = None
    portion: float = 1.0


def local_processes(workers: int | None = None) -> LocalProcesses:
    """The executor of this machine: `workers` runs side by side, one per available core where None is given."""
    return LocalProcesses(workers or available_cores(), exact.ENVIRONMENT, PRELOAD, _require_device)


def _require_device() -> None:
    """Raise `SuiteError` where a device is asked for that is not here; only then does the parent load torch."""
    if any(os.environ.get(name) for name in ELSEWHERE):
        try:
            from suite.engine.device import require
        except Exception as error:
            raise load_error("torch", error) from error
        require()


def work(job: Job, emit: Callable[[Event], None]) -> None:
    """Train the job's run; its last event is `Done`, `Failed`, or `Busy` where another process holds the folder."""
    reserve = bytearray(RESERVE)
    try:
        with job.run.claim():
            result = job.run.result()
            if result is None:
                _send_output_to(job.run.folder / "output.log")
                emit(Started())
                result = _train(job, emit)
            emit(Done(result))
    except Claimed:
        emit(Busy())
    except SuiteError as error:
        emit(Failed(str(error), error.code))
    except BrokenPipeError:
        raise
    except Exception as error:  # the experiment's own code may raise anything; its traceback is kept with the run
        del reserve
        traceback.print_exc()
        emit(_breakdown(error, job.run.folder / "output.log"))


def _breakdown(error: Exception, log: Path) -> Failed:
    """The reason and the exit code for an error that nobody foresaw."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        remedy = "Free some, or give fewer --workers, and run the same command again to go on."
        return Failed(f"the machine has no memory left. {remedy}", MACHINE)
    return Failed(f"{type(error).__name__}: {text:.300} (see {log})", FAILED)


def _train(job: Job, emit: Callable[[Event], None]) -> Result:
    experiment = registry.load(job.folders).choose([job.run.experiment])[0].changed(job.overrides)
    if job.run.identity != (trial_identity(experiment, job.budget) if job.budget else experiment.identity):
        raise SuiteError(f"{experiment.path} was changed after this run was planned.", "Run the same command again.")
    # torch comes with the engine; the parent, which imports this file, never loads it
    from suite.engine import preload

    preload.require()
    if job.budget:
        from suite.engine.trial import train_trial

        training = data.load_training(experiment.recipe.data, job.data_folder)
        return train_trial(job.run, experiment, training, job.budget, job.portion, emit)
    from suite.engine.train import train

    return train(job.run, experiment, data.load(experiment.recipe.data, job.data_folder), emit)


def _send_output_to(path: Path) -> None:
    """Send what a network prints, or crashes with, to the run's folder instead of across the table of all runs."""
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise machine_error(error, path) from error
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
