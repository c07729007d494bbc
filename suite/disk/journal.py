"""The folder of a run: its recipe, progress and result. The folder is the original; MLflow has a copy.

source.patch         the diff from the commit to the program text; only if there is one
recipe.json          what is trained, and the environment in which the training started
history.jsonl        one line per epoch
checkpoint           weights, optimiser, best weights and the whole history, replaced after each epoch
weights.safetensors  the weights of the result
predictions.safetensors  predicted class, confidence and label of every test image
result.json          written last: a run with a result is finished and is never trained again
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout

from suite.disk import crash, files
from suite.disk.classes import Only, require_class
from suite.disk.documents import (
    RECIPE,
    RESULT,
    Epoch,
    Record,
    Result,
    beginning,
    damaged,
    digest,
    document,
    lines,
    read_document,
    read_lines,
)
from suite.errors import SuiteError, machine_error
from suite.text import shown


class Busy(Exception):
    """Another process is training this run."""


@dataclass(frozen=True)
class Run:
    """One recipe with one seed, and the folder that stores its training."""

    experiment: str
    identity: str
    seed: int
    folder: Path
    only: Only = field(default_factory=dict, compare=False)  # the numeric classes in which it may be trained

    @classmethod
    def under(cls, runs: Path, experiment: str, identity: str, seed: int) -> "Run":
        """The run with its folder below `runs`; the folder's name depends only on experiment, identity and seed."""
        return cls(experiment, identity, seed, runs / experiment / f"{identity[:16]}-s{seed}")

    @classmethod
    def at(cls, folder: Path) -> "Run":
        """The run of a folder; raises `SuiteError` (2) if its recipe.json is damaged or belongs to another run."""
        facts = read_document(folder / "recipe.json", RECIPE)
        run = cls.under(folder.parent.parent, facts["experiment"], facts["identity"], facts["seed"])
        if run.folder != folder:
            raise damaged(folder / "recipe.json", "it belongs to another run")
        return run

    @property
    def name(self) -> str:
        """The run's name as MLflow shows it, such as `lenet-s0`."""
        return f"{self.experiment}-s{self.seed}"

    @property
    def checkpoint(self) -> Path:
        """The path of the checkpoint."""
        return self.folder / "checkpoint"

    def require_no_link(self) -> None:
        """Raise `SuiteError` (2) if the folder is a symbolic link: nothing outside ours may be written."""
        for place in (self.folder.parent, self.folder):
            if place.is_symlink():
                raise SuiteError(f"{place} is a symbolic link.", "Replace it by the folder itself.")

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Lock the folder for this process and remove unfinished files; raises `Busy` if another process has the lock.

        The kernel releases the lock of a process that dies.
        """
        self.require_no_link()
        try:
            files.make_folder(self.folder)
            lock = FileLock(self.folder / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise Busy from None
        except OSError as error:
            raise machine_error(error, error.filename or self.folder) from error
        try:
            crash.at("run:claimed")
            files.remove_leftovers(self.folder)
            yield
        finally:
            lock.release()

    def begin(self, facts: Record, binding: tuple[str, ...], patch: bytes = b"") -> None:
        """Write recipe.json and source.patch; or, if there is a checkpoint, check that the run can be resumed.

        Raises `SuiteError` (2) if a fact of the environment named in `binding` has changed since the run started, or if
        the run may not be trained in this numeric class. `patch` is the diff from the commit to the program text.
        """
        facts = {**self._names(), **facts}
        require_class(self.name, self.only, facts["environment"])
        if not os.path.lexists(self.checkpoint):
            files.remove(self.folder / "source.patch")  # left by an earlier start that reached no checkpoint
            if patch:
                files.write(self.folder / "source.patch", patch)
            files.write(self.folder / "recipe.json", document(facts))
            return
        begun = self.recipe()
        for key in binding:
            if begun["environment"].get(key) != facts["environment"][key]:
                raise SuiteError(
                    f"{self.folder} was started with {key} {shown(begun['environment'].get(key))} "
                    f"and cannot continue exactly with {shown(facts['environment'][key])}.",
                    "Go back to that environment, or move the folder away to train the run from its start.",
                )

    def recipe(self) -> Record:
        """The facts that `begin` wrote; raises `SuiteError` (2) if they are missing, damaged or of another run."""
        return self._own(read_document(self.folder / "recipe.json", RECIPE), "recipe.json")

    def result(self) -> Result | None:
        """The result of a finished run, None for an unfinished one; raises `SuiteError` (2) if it is damaged."""
        self.require_no_link()
        path = self.folder / "result.json"
        if not os.path.lexists(path):
            return None
        return cast(Result, self._own(read_document(path, RESULT), "result.json"))

    def history(self, skip: int = 0) -> list[Epoch]:
        """The records of all epochs so far; an incomplete last line, left by a crash, is ignored."""
        path = self.folder / "history.jsonl"
        return read_lines(path, skip) if os.path.lexists(path) else []

    def write_history(self, history: list[Epoch]) -> None:
        """Write the whole history to the folder, all or nothing."""
        files.write(self.folder / "history.jsonl", lines(history))

    def heal_history(self, history: list[Epoch]) -> None:
        """Make history.jsonl equal to the checkpoint's history.

        Raises `SuiteError` (2) if neither of the two is the beginning of the other.
        """
        path = self.folder / "history.jsonl"
        true = lines(history)
        found = beginning(path, len(true) + 1) if os.path.lexists(path) else b""
        if not true.startswith(found) and not found.startswith(true):
            raise damaged(path, "it contradicts the checkpoint")
        if found != true:
            self.write_history(history)

    def finish(self, result: Result) -> Result:
        """Write the result with the SHA-256 of all files of the run, and return it; the run is then finished."""
        self.recipe()  # raises if somebody has emptied the folder meanwhile
        digests = {name: digest(self.folder / name) for name in RESULT_FILES if (self.folder / name).exists()}
        facts: Record = {**self._names(), **result}
        files.write(self.folder / "result.json", document({**facts, "files": digests}))
        return cast(Result, facts)

    def check_files(self) -> Result | None:
        """The result, after checking all files against its SHA-256 values; raises `SuiteError` for the first fault."""
        result = self.result()
        known = result["files"] if result else {}
        for name, stored in known.items():
            if name not in RESULT_FILES:
                raise damaged(self.folder / "result.json", f"it names a file {name!r:.80}")
            if digest(self.folder / name) != stored:
                raise damaged(self.folder / name, "its contents do not match the SHA-256 in result.json")
        for name in RESULT_FILES:
            if result and name not in known and os.path.lexists(self.folder / name):
                raise damaged(self.folder / name, "result.json does not list this file")
        if (self.folder / "artifacts").is_symlink():  # pictures would be written outside our folders
            raise damaged(self.folder / "artifacts", "it is a symbolic link")
        return result

    def _names(self) -> Record:
        """The facts by which every document of the folder names its run."""
        return {"experiment": self.experiment, "identity": self.identity, "seed": self.seed}

    def _own(self, facts: Record, name: str) -> Record:
        if (facts.get("identity"), facts.get("seed")) != (self.identity, self.seed):
            raise damaged(self.folder / name, "it belongs to another run")
        return facts


def is_claimed(folder: Path) -> bool:
    """Whether some process is training the run in this folder now; raises `SuiteError` (3) where nobody can tell."""
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        raise machine_error(error, error.filename or folder) from error


def begun_runs(runs: Path) -> list[Path]:
    """The folders of all runs that began, by name; nothing in them is read."""
    found = {path.parent for name in ("recipe.json", "result.json", "checkpoint") for path in runs.glob(f"*/*/{name}")}
    return sorted(found)


def whole_runs(folders: Iterable[Path], say: Callable[[str], None]) -> Iterator[Run]:
    """The runs in these folders whose files are all whole, each one read; `say` gets a line for every other."""
    for folder in folders:
        try:
            run = Run.at(folder)
            run.check_files()
            run.history()
        except SuiteError as error:
            say(str(error))
        else:
            yield run


RESULT_FILES = ("source.patch", "recipe.json", "history.jsonl", "weights.safetensors", "predictions.safetensors")
