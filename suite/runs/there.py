"""A run on a machine of a cluster: trained from text and values in a temporary home, its folder's files sent back."""

import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from suite import __version__
from suite.data import carrying
from suite.data.catalog import data_set
from suite.data.frozen import folder_of
from suite.disk import files
from suite.disk.classes import Only
from suite.disk.documents import LARGEST_FILE
from suite.disk.journal import RESULT_FILES, Run
from suite.engine import exact, program
from suite.errors import SuiteError, machine_error
from suite.execute.executor import Emit
from suite.masking import holds_secret
from suite.recipe.trial import Budget
from suite.runs.events import Done, EpochEnded, Event, Failed
from suite.runs.worker import PRELOAD, Job, tell_operators, work

LOG = "output.log"
PARTS = (*RESULT_FILES, "checkpoint", "result.json")  # of a run's folder; the log is sent as it grows
CLASSES = ("kernels", "torch")
QUESTION = "What are you?"
SWITCHES = (*exact.SWITCHES, "SUITE_DEVICE")


@dataclass(frozen=True)
class Parcel:
    """A run as another machine understands it.

    `text` is that of the experiment's file, empty if it belongs to an installed package. `files` are those from which
    the training goes on, by name. `digest` is the data set's. `only` are the run's numeric classes, if it has such.
    """

    experiment: str
    identity: str
    seed: int
    text: str
    overrides: dict[str, Any]
    data: str
    digest: str
    budget: Budget | None = None
    portion: float = 1.0
    portable: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    only: Only = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """An event with the files that were new or changed, by name, what was added to the log, and the folder's path."""

    event: Event
    files: dict[str, bytes]
    log: bytes | None
    folder: str
    file: str


@dataclass(frozen=True)
class Answered:
    """What a machine says of itself: versions and processor, and its numeric class on each of the ways `CLASSES`."""

    facts: dict[str, str]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """What happens on a machine of a cluster (`suite.execute.executor.There`). `switches` are the user's variables."""

    switches: tuple[tuple[str, str], ...] = ()
    preload: str = PRELOAD

    @classmethod
    def of_user(cls) -> "Training":
        """With those variables of this process that select other arithmetic: machines of the cluster get them too."""
        return cls(tuple((name, os.environ[name]) for name in SWITCHES if os.environ.get(name)))

    def environment(self, found: Mapping[str, str]) -> dict[str, str]:
        """The variables that are `found`, without secrets, databases and homes, and with everything bits depend on."""
        ours = ("SUITE_", "MLFLOW_", "OPTUNA_", "RAY_AUTH", *SWITCHES)
        kept = {name: value for name, value in found.items() if not name.startswith(ours)}
        harmless = {name: value for name, value in kept.items() if not holds_secret(name, value)}
        return {**harmless, **exact.ENVIRONMENT, **dict(self.switches)}

    def lacks(self, need: str) -> bool:
        """Whether the cache of this machine has not the data set of this name."""
        return not carrying.is_here(need)

    def keep(self, need: str, contents: carrying.Contents) -> None:
        """Put a data set into the cache of this machine; every byte is checked."""
        carrying.keep(need, contents)

    def work(self, value: Parcel | str, emit: Emit) -> None:
        """Train a run, or answer the `QUESTION`."""
        if isinstance(value, Parcel):
            _train(value, emit)
        else:
            _answer(emit)


def versions() -> dict[str, str]:
    """What must be equal on all machines of a cluster, and on this one."""
    return {
        "suite": __version__,
        "engine": str(program.facts()["engine_sha256"]),
        "torch": metadata.version("torch"),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def _answer(emit: Emit) -> None:
    """Say the versions and the processor here, and the numeric classes of kernels and torch."""
    classes: list[str] = []

    def tell(digests: dict[str, str] | str) -> None:
        from suite.engine.numeric import class_of

        classes.append(digests if isinstance(digests, str) else class_of(digests))

    for way in CLASSES:
        tell_operators(way, tell)
    emit(Answered({**versions(), "cpu": str(exact.machine()["cpu"])}, tuple(classes)))


def _train(parcel: Parcel, emit: Emit) -> None:
    """Train the run in a temporary home, and send each event with the files that changed."""
    try:
        with tempfile.TemporaryDirectory(prefix="suite-elsewhere-") as home:
            os.chdir(home)
            job = _unpacked(parcel, Path(home))
            try:
                work(job, _Sender(job, emit).send)
            finally:
                os.chdir("/")
    except OSError as error:
        emit(Failed(str(machine_error(error, error.filename or tempfile.gettempdir())), 3))
    except SuiteError as error:
        emit(Failed(str(error), error.code))


def _unpacked(parcel: Parcel, home: Path) -> Job:
    if data_set(parcel.data).digest != parcel.digest:
        raise SuiteError(f"{parcel.data}: this machine's data set of that name has other contents.")
    run = Run.under(home / "runs", parcel.experiment, parcel.identity, parcel.seed)
    file = home / "experiments" / f"{parcel.experiment}.py"
    for folder in (run.folder, file.parent):
        folder.mkdir(parents=True)
    for name, contents in parcel.files.items():
        (run.folder / name).write_bytes(contents)
    file.write_text(parcel.text, encoding="utf-8")
    run = replace(run, only=parcel.only)
    return Job(
        run, folder_of(parcel.data), parcel.overrides, (), parcel.budget, parcel.portion, parcel.portable,
        file=file if parcel.text else None,
    )  # fmt: skip


class _Sender:
    """Sends events with what has changed in the run's folder since the last one."""

    def __init__(self, job: Job, emit: Emit) -> None:
        self._job, self._emit = job, emit
        self._sent = {name: files.state(job.run.folder / name) for name in PARTS}
        self._logged = 0

    def send(self, event: Event) -> None:
        """Send it; files go with those events that mean that there are new ones."""
        if not isinstance(event, EpochEnded | Done | Failed):
            self._emit(event)
            return
        folder = self._job.run.folder
        states = {name: files.state(folder / name) for name in PARTS}
        new = [name for name, state in states.items() if state and state != self._sent[name]]
        found = {name: files.read(folder / name, LARGEST_FILE) for name in new}
        self._sent = states
        self._emit(Sent(event, found, self._log(), str(folder), str(self._job.file)))

    def _log(self) -> bytes | None:
        """What was added to the log since; None if there is none yet. What was printed is in a buffer until now."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # the experiment's code may have closed or replaced it
                stream.flush()
        try:
            with files.opened(self._job.run.folder / LOG, LARGEST_FILE) as file:
                file.seek(self._logged)
                added = file.read()
        except (OSError, files.Unfit):
            return None
        self._logged += len(added)
        return added
