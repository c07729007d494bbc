"""One run's folder: what it is, how far it came and how it ended. The folder is the truth; MLflow is a copy of it.

recipe.json          what is trained, and the environment it was begun in
history.jsonl        a line an epoch
checkpoint           weights, optimiser, best weights and the whole history, replaced after each epoch
weights.safetensors  the result's weights
predictions.safetensors  class, score and label of every test image
result.json          written last: a run with a result is finished and is never trained again
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from suite import files
from suite.errors import SuiteError, machine_error

Record = dict[str, Any]


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
        """The run that a folder holds; raises `SuiteError` (2) where its recipe.json is damaged."""
        facts = _read_document(folder / "recipe.json")
        return cls(facts["experiment"], facts["identity"], facts["seed"], folder)

    @property
    def name(self) -> str:
        """`lenet-s0`, as MLflow shows it."""
        return f"{self.experiment}-s{self.seed}"

    @property
    def checkpoint(self) -> Path:
        """Where the unfinished run's state is kept."""
        return self.folder / "checkpoint"

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Be the only process that writes here; raises `Busy`. The kernel frees the claim of a process that dies."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise Busy from None
        except OSError as error:
            raise machine_error(error, self.folder) from error
        try:
            files.remove_leftovers(self.folder)
            yield
        finally:
            lock.release()

    def is_claimed(self) -> bool:
        """Whether some process is training this run now."""
        lock = FileLock(self.folder / "lock", timeout=0)
        try:
            with lock:
                return False
        except Timeout:
            return True

    def begin(self, facts: Record, binding: tuple[str, ...]) -> None:
        """Write down what is trained, or check that the half-done run in the folder was begun as this one would be."""
        path = self.folder / "recipe.json"
        facts = {"experiment": self.experiment, "identity": self.identity, "seed": self.seed, **facts}
        if not self.checkpoint.exists():
            files.write(path, _document(facts))
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
        return self._own(_read_document(self.folder / "recipe.json"), "recipe.json")

    def result(self) -> Record | None:
        """The finished run's result, None for an unfinished run; raises `SuiteError` (2) for a damaged one."""
        path = self.folder / "result.json"
        if not path.exists():
            return None
        return self._own(_read_document(path), "result.json")

    def history(self) -> list[Record]:
        """The epochs written down so far; a torn last line, the mark of a crash, is not an epoch."""
        path = self.folder / "history.jsonl"
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")
        try:
            return [json.loads(line) for line in lines[:-1]]
        except ValueError as error:
            raise damaged(path, "a line before its last is not JSON") from error

    def write_history(self, history: list[Record]) -> None:
        """Put the whole history in the folder, all or nothing."""
        files.write(self.folder / "history.jsonl", _lines(history))

    def heal_history(self, history: list[Record]) -> None:
        """Bring the file to what the checkpoint says; a file that is no part of it, nor it of the file, is refused."""
        path = self.folder / "history.jsonl"
        found, true = path.read_bytes() if path.exists() else b"", _lines(history)
        if not true.startswith(found) and not found.startswith(true):
            raise damaged(path, "it contradicts the checkpoint")
        if found != true:
            self.write_history(history)

    def finish(self, result: Mapping[str, Any]) -> Record:
        """Write the result, after everything that it speaks of: from now on the run is finished."""
        contents = {name: files.sha256(self.folder / name) for name in _RESULT_FILES if (self.folder / name).exists()}
        facts = {"experiment": self.experiment, "identity": self.identity, "seed": self.seed, **result}
        files.write(self.folder / "result.json", _document({**facts, "files": contents}))
        return facts

    def check_files(self) -> None:
        """Compare the folder's files with what the result says of them; raises `SuiteError` (2) for the first fault."""
        for name, digest in (self.result() or {"files": {}})["files"].items():
            path = self.folder / name
            if not path.is_file():
                raise damaged(path, "it is missing")
            if files.sha256(path) != digest:
                raise damaged(path, "its contents do not match the SHA-256 in result.json")

    def _own(self, facts: Record, name: str) -> Record:
        if (facts.get("identity"), facts.get("seed")) != (self.identity, self.seed):
            raise damaged(self.folder / name, "it belongs to another run")
        return facts


_RESULT_FILES = ("recipe.json", "history.jsonl", "weights.safetensors", "predictions.safetensors")


def _lines(history: list[Record]) -> bytes:
    return b"".join(json.dumps(record, sort_keys=True).encode() + b"\n" for record in history)


def _document(facts: Record) -> bytes:
    """Readable JSON that carries the SHA-256 of its own facts."""
    return (
        json.dumps({**facts, "sha256": _digest(facts)}, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    )


def _read_document(path: Path) -> Record:
    try:
        facts = json.loads(path.read_bytes())
        claimed = facts.pop("sha256")
    except OSError as error:
        raise machine_error(error, path) from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise damaged(path, "it is not a JSON document of the suite") from error
    if _digest(facts) != claimed:
        raise damaged(path, "its contents do not match the SHA-256 stored with them")
    return dict(facts)


def _digest(facts: Record) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def damaged(path: Path, how: str) -> SuiteError:
    """The refusal of a file in a run's folder."""
    return SuiteError(
        f"{path} is damaged: {how}.", f"Nothing was changed; move the folder {path.parent} away to train it again."
    )
