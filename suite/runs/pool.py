"""A folder in which a command leaves jobs for tasks on other machines, and the tasks leave events.

settings.json        what each task needs besides its jobs: variables, and what must be equal on all machines
class.json           what the first machine computes, with its name; a machine that computes something else takes no job
arrays/              a file for each array of tasks that was submitted, named by its number
waiting/JOB          a job that nobody has taken; its name has its place in the order, and its digest
taken/JOB.TASK       a job that a task has taken; a file is moved from one folder to the other, which only one can do
events/JOB           a line of JSON for each event of a job
tasks/TASK           a task that has begun, with its machine; it is removed when the task gives its jobs back
log/                 what the tasks print

A file system that several machines share may not have locks that hold everywhere, but it moves a file only once.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from suite.disk import files
from suite.runs.plain import Plain

MOST = 1 << 22  # bytes of a file here
FOLDERS = ("arrays", "waiting", "taken", "events", "tasks", "log")
TAKEN: Plain = {"event": "taken"}  # the first line about a job from each task that takes it
GIVEN_BACK: Plain = {"event": "given back"}  # and the last one, if the task has to end before the job


class Pool:
    """The folder, for the command that gives jobs and for the tasks that take them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    @contextlib.contextmanager
    def open(cls, top: Path, settings: Plain) -> Iterator[Self]:
        """The first pool for these settings below `top` that no other command holds; this one then holds it.

        It may have jobs, tasks and events of a command that was killed. Raises `OSError`.
        """
        name = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
        number = 1
        while True:
            pool = cls(top / f"{name}-{number}")
            for folder in FOLDERS:
                files.make_folder(pool.folder / folder)
            lock = FileLock(pool.folder.with_suffix(".lock"), timeout=0)
            try:
                lock.acquire()
                break
            except Timeout:
                number += 1
        try:
            pool._write("settings.json", settings)
            yield pool
        finally:
            lock.release()

    @property
    def settings(self) -> Plain:
        """What each task needs besides its jobs."""
        return self._read("settings.json")

    # Jobs

    @staticmethod
    def name_of(place: int, job: Plain) -> str:
        """The name of a job that has this place in the order."""
        return f"{place:06}-{digest_of(job)}"

    def put(self, name: str, job: Plain) -> None:
        """Leave a job for the tasks."""
        self._write(f"waiting/{name}", job)

    def names(self, folder: str) -> list[str]:
        """The names in one of the pool's folders, in their order, without files that are still being written."""
        return sorted(name for name in os.listdir(self.folder / folder) if not name.startswith("."))

    def taken(self) -> dict[str, str]:
        """The task of each job that was taken."""
        return {job: task for job, _, task in (name.partition(".") for name in self.names("taken"))}

    def take(self, task: str, most: int) -> dict[str, Plain]:
        """Take jobs for a task, `most` in all with those that it has already, and return all these.

        A task that has none begins with the job at its own number: those that start together do not try the same.
        """
        held = [name for name in self.names("taken") if name.endswith(f".{task}")]
        waiting = self.names("waiting")
        first = int(task.partition("_")[2]) % len(waiting) if waiting and not self._has_begun(task) else 0
        for name in [*waiting[first:], *waiting[:first]]:
            if len(held) >= most:
                break
            if self._move(f"waiting/{name}", f"taken/{name}.{task}"):
                held.append(f"{name}.{task}")
        return {name.partition(".")[0]: self._read(f"taken/{name}") for name in held}

    def give_back(self, job: str, task: str) -> bool:
        """Let another task take this job; False if the task does not have it any more."""
        return self._move(f"taken/{job}.{task}", f"waiting/{job}")

    def drop(self, *names: str) -> None:
        """Remove files, such as `waiting/JOB`; a missing one is no error."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).unlink()

    # Events

    def tell(self, job: str, event: Plain) -> None:
        """Add an event of a job."""
        ours = event in (TAKEN, GIVEN_BACK)  # the line before it may be one that a killed task did not complete
        line = b"\n" * ours + json.dumps(event).encode() + b"\n"
        with open(self.folder / "events" / job, "ab", buffering=0) as file:
            file.write(line)

    def told(self, job: str, since: int) -> tuple[list[Plain], int]:
        """The events of a job from this byte on, and the byte from which the next will come."""
        try:
            with open(self.folder / "events" / job, "rb") as file:
                file.seek(since)
                found = file.read()
        except FileNotFoundError:
            return [], since
        whole = found[: found.rfind(b"\n") + 1]
        events = []
        for line in whole.split(b"\n"):
            with contextlib.suppress(ValueError):  # an empty line, or one that a killed task did not complete
                events.append(json.loads(line))
        return events, since + len(whole)

    # Tasks

    def greet(self, task: str, facts: Plain) -> None:
        """Note that a task has begun."""
        self._write(f"tasks/{task}", facts)

    def greetings(self, known: dict[str, Plain]) -> None:
        """Add to `known` what the tasks that have begun said of themselves."""
        known |= {task: self._read(f"tasks/{task}") for task in self.names("tasks") if task not in known}

    @property
    def log(self) -> Path:
        """Where a task's output goes, with Slurm's signs for its array and its number."""
        return self.folder / "log" / "%A_%a"

    def last_words(self, task: str) -> str:
        """The last line that a task has printed; empty if there is none."""
        try:
            lines = (self.folder / "log" / task).read_text(errors="replace").split("\n")
        except FileNotFoundError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def note_array(self, number: str) -> None:
        """Note that an array of tasks was submitted."""
        self._write(f"arrays/{number}", {})

    def agree(self, mine: Mapping[str, str]) -> Mapping[str, str]:
        """What the machines of this pool compute: what the first task computed that asked."""
        made = self.folder / f".class.{os.getpid()}.{os.uname().nodename}"
        files.write(made, json.dumps(mine).encode())
        with contextlib.suppress(FileExistsError):
            os.link(made, self.folder / "class.json")  # fails if there is one, for all but the first
        made.unlink()
        return self.agreed() or mine

    def agreed(self) -> Plain | None:
        """What the machines of this pool compute, if any has begun."""
        return self._read("class.json") if (self.folder / "class.json").exists() else None

    def _has_begun(self, task: str) -> bool:
        return (self.folder / "tasks" / task).exists()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _move(self, old: str, new: str) -> bool:
        try:
            os.rename(self.folder / old, self.folder / new)
        except FileNotFoundError:
            return False
        return True

    def _write(self, name: str, facts: Mapping[str, Any]) -> None:
        files.write(self.folder / name, json.dumps(facts).encode())

    def _read(self, name: str) -> Plain:
        try:
            return dict(json.loads(files.read(self.folder / name, MOST)))
        except files.Unfit as error:
            raise OSError(str(error)) from error


def digest_of(job: Plain) -> str:
    """What names a job in any pool: equal jobs have the same."""
    return hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:20]
