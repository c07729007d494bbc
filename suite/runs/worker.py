"""The work of one worker process: lock the run's folder, load the experiment and the data, train."""

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
from suite.disk.script import words_of
from suite.engine import exact
from suite.engine.alone import load_alone
from suite.engine.faults import through_file
from suite.engine.memory import ran_out
from suite.errors import FAILED, MACHINE, SuiteError, load_error, machine_error
from suite.execute.cores import available_cores
from suite.execute.processes import LocalProcesses
from suite.masking import masked
from suite.recipe.trial import Budget, trial_identity
from suite.runs.events import Busy, Done, Event, Failed, Started

PRELOAD = "suite.engine.preload"
ELSEWHERE = ("SUITE_DEVICE", "SUITE_COMPILE", "SUITE_KERNELS")  # what suite.engine.device and .way read
RESERVE = 4 * 2**20  # bytes that are kept free so that a process out of memory can still report it


@dataclass(frozen=True)
class Job:
    """The input of a worker, as plain values. The worker loads the experiment's file itself.

    `folders` are the user's own folders of experiments. With a `budget` the run is a study's trial, which is trained
    until this `portion` of the budget is used. `portable` is the recipe's: it must be known before the file is loaded.
    `file` is the experiment's own, and `images` are those of all epochs, by which the time is estimated.
    """

    run: Run
    data_folder: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    budget: Budget | None = None
    portion: float = 1.0
    portable: bool = False
    file: Path | None = None
    images: int = 0


def local_processes(workers: int | None = None) -> LocalProcesses:
    """The executor of this machine: `workers` runs at once, by default one for each available core."""
    return LocalProcesses(workers or available_cores(), exact.ENVIRONMENT, PRELOAD, _require_variables)


def _require_variables() -> None:
    """Raise `SuiteError` if what the user's variables ask for is missing. Without any torch is not loaded."""
    if any(os.environ.get(name) for name in ELSEWHERE):
        try:
            from suite.engine.way import require
        except Exception as error:
            raise load_error("torch", error) from error
        require()


def work(job: Job, emit: Callable[[Event], None]) -> None:
    """Train the job's run; the last event is `Done`, `Failed`, or `Busy` if another process has locked the folder."""
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
    except Exception as error:  # the experiment's code may raise anything; the traceback goes to the run's output.log
        del reserve
        print(masked(traceback.format_exc()), file=sys.stderr, flush=True)
        emit(_breakdown(error, job.run.folder / "output.log"))


def tell_operators(of: str, emit: Callable[[dict[str, str] | str], None]) -> None:
    """Send the digests of what computes here, or the reason in one line why there are none.

    `of` is `torch`, `portable` for torch under that field of a recipe, or `kernels`.
    """
    try:
        load_engine(portable=of == "portable")
        from suite.engine import numeric, way

        if of == "kernels":
            emit(way.against_kernels() or numeric.kernels())
        else:
            emit(numeric.operators())
    except SuiteError as error:
        emit(str(error))


def _breakdown(error: Exception, log: Path) -> Failed:
    """The reason and the exit code for an unexpected error."""
    if ran_out(error):
        remedy = "Free some, or give fewer --workers, and run the same command again to continue."
        return Failed(f"the machine has no memory left. {remedy}", MACHINE)
    what = f"{type(error).__name__}: {words_of(error):.300}"
    return Failed(f"{what}. Its traceback is at the end of {log}.", FAILED)


def _train(job: Job, emit: Callable[[Event], None]) -> Result:
    load_engine(portable=job.portable)  # before the file; the caller's script, which Python runs again here, is undone
    experiment = load_alone(job.run.experiment, job.folders, job.file).changed(job.overrides)
    if job.run.identity != (trial_identity(experiment, job.budget) if job.budget else experiment.identity):
        raise SuiteError(f"{experiment.path} was changed after this run was planned.", "Run the same command again.")
    with through_file(experiment.path):
        if job.budget:
            from suite.engine.trial import train_trial

            training = data.load_training(experiment.recipe.data, job.data_folder)
            return train_trial(job.run, experiment, training, job.budget, job.portion, emit)
        from suite.engine.train import train

        return train(job.run, experiment, data.load(experiment.recipe.data, job.data_folder), emit)


def load_engine(*, portable: bool) -> None:
    """Load torch with every switch that the bits depend on, for the rest of this process; raises `SuiteError`."""
    from suite.engine import preload  # here, not above: it loads torch, and the parent imports this file

    preload.require()
    if portable:
        exact.make_portable()
    exact.make_exact()


def _send_output_to(path: Path) -> None:
    """Send stdout and stderr to a file in the run's folder, so that they do not disturb the terminal."""
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise machine_error(error, path) from error
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
