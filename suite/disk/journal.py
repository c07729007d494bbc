"""One run's folder: what it is, how far it came and how it ended. The folder is the truth; MLflow is a copy of it.

source.patch         what the program text adds to its commit; only where something was changed since
recipe.json          what is trained, and the environment it was begun in
history.jsonl        a line an epoch
checkpoint           weights, optimiser, best weights and the whole history, replaced after each epoch
weights.safetensors  the result's weights
predictions.safetensors  class, score and label of every test image
result.json          written last: a run with a result is finished and is never trained again
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout

from suite.disk import crash, files
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


class Busy(Exception):
    """Another process is training this run."""


@dataclass(frozen=True)
class Run:
    """One recipe under one seed, and the folder that holds what became of it."""

    experiment: str
    identity: str
    seed: int
    folder: Path

    @classmethod
    def under(cls, runs: Path, experiment: str, identity: str, seed: int) -> "Run":
        """The run's folder is made of what the run is, so asking twice finds the same one."""
        return cls(experiment, identity, seed, runs / experiment / f"{identity[:16]}-s{seed}")

    @classmethod
    def at(cls, folder: Path) -> "Run":
        """The run that a folder holds; raises `SuiteError` (2) where its recipe.json is damaged or another run's."""
        facts = read_document(folder / "recipe.json", RECIPE)
        run = cls.under(folder.parent.parent, facts["experiment"], facts["identity"], facts["seed"])
        if run.folder != folder:
            raise damaged(folder / "recipe.json", "it belongs to another run")
        return run

    @property
    def name(self) -> str:
        """`lenet-s0`, as MLflow shows it."""
        return f"{self.experiment}-s{self.seed}"

    @property
    def checkpoint(self) -> Path:
        """Where the unfinished run's state is kept."""
        return self.folder / "checkpoint"

    def require_no_link(self) -> None:
        """Raise `SuiteError` (2) where the folder is somewhere else: nothing outside the suite's is ever written."""
        for place in (self.folder.parent, self.folder):
            if place.is_symlink():
                raise SuiteError(f"{place} is a symbolic link.", "Put the folder itself in its place.")

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Be the only process that writes here; raises `Busy`. The kernel frees the claim of a process that dies."""
        self.require_no_link()
        try:
            files.make_folder(self.folder)
            lock = FileLock(self.folder / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise Busy from None
        except OSError as error:
            raise machine_error(error, self.folder) from error
        try:
            crash.at("run:claimed")
            files.remove_leftovers(self.folder)
            yield
        finally:
            lock.release()

    def is_claimed(self) -> bool:
        """Whether some process is training this run now."""
        return is_claimed(self.folder)

    def begin(self, facts: Record, binding: tuple[str, ...], patch: bytes = b"") -> None:
        """Write down what is trained, or check that the half-done run in the folder was begun as this one would be.

        `patch` is what makes the program text out of its commit.
        """
        facts = {**self._names(), **facts}
        if not os.path.lexists(self.checkpoint):
            files.remove(self.folder / "source.patch")  # an earlier beginning's, of which nothing is left
            if patch:
                files.write(self.folder / "source.patch", patch)
            files.write(self.folder / "recipe.json", document(facts))
            return
        begun = self.recipe()
        for key in binding:
            if begun["environment"].get(key) != facts["environment"][key]:
                raise SuiteError(
                    f"{self.folder} was begun with {key} {begun['environment'].get(key)!r:.40} "
                    f"and cannot go on exactly with {facts['environment'][key]!r:.40}.",
                    "Go back to that environment, or move the folder away to train the run from its start.",
                )

    def recipe(self) -> Record:
        """What `begin` wrote; raises `SuiteError` (2) where it is missing, damaged or another run's."""
        return self._own(read_document(self.folder / "recipe.json", RECIPE), "recipe.json")

    def result(self) -> Result | None:
        """The finished run's result, None for an unfinished run; raises `SuiteError` (2) for a damaged one."""
        self.require_no_link()
        path = self.folder / "result.json"
        if not os.path.lexists(path):
            return None
        return cast(Result, self._own(read_document(path, RESULT), "result.json"))

    def history(self, skip: int = 0) -> list[Epoch]:
        """The epochs written down so far but the first `skip`; a torn last line, the mark of a crash, is no epoch."""
        path = self.folder / "history.jsonl"
        return read_lines(path, skip) if os.path.lexists(path) else []

    def write_history(self, history: list[Epoch]) -> None:
        """Put the whole history in the folder, all or nothing."""
        files.write(self.folder / "history.jsonl", lines(history))

    def heal_history(self, history: list[Epoch]) -> None:
        """Bring the file to what the checkpoint says; a file that is no part of it, nor it of the file, is refused."""
        path = self.folder / "history.jsonl"
        true = lines(history)
        found = beginning(path, len(true) + 1) if os.path.lexists(path) else b""
        if not true.startswith(found) and not found.startswith(true):
            raise damaged(path, "it contradicts the checkpoint")
        if found != true:
            self.write_history(history)

    def finish(self, result: Result) -> Result:
        """Write the result, after everything that it speaks of: from now on the run is finished."""
        self.recipe()  # a folder that somebody emptied meanwhile holds no run
        digests = {name: digest(self.folder / name) for name in RESULT_FILES if (self.folder / name).exists()}
        facts: Record = {**self._names(), **result}
        files.write(self.folder / "result.json", document({**facts, "files": digests}))
        return cast(Result, facts)

    def check_files(self) -> Result | None:
        """The result, once the folder's files are what it says of them; raises `SuiteError` (2) for the first fault."""
        result = self.result()
        known = result["files"] if result else {}
        for name, stored in known.items():
            if name not in RESULT_FILES:
                raise damaged(self.folder / "result.json", f"it names a file {name!r:.80}")
            if digest(self.folder / name) != stored:
                raise damaged(self.folder / name, "its contents do not match the SHA-256 in result.json")
        for name in RESULT_FILES:
            if result and name not in known and os.path.lexists(self.folder / name):
                raise damaged(self.folder / name, "result.json knows of no such file")
        if (self.folder / "artifacts").is_symlink():  # what is drawn there would be written elsewhere
            raise damaged(self.folder / "artifacts", "it is a symbolic link")
        return result

    def _names(self) -> Record:
        """What every document of the folder says of whose it is."""
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
        raise machine_error(error, folder) from error


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
