"""Slurm's commands: submit an array of tasks, ask for the state of its tasks, cancel it."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from suite.execute.share import ONE, Machine, Share

COMMANDS = ("sbatch", "squeue", "scancel")
WAIT = 120  # seconds for a command: Slurm's own repeat their question while the controller does not answer
SIGNAL = 60  # seconds before its time limit at which a task gets SIGTERM; Slurm may send it up to 60 s earlier
OVER = (  # states of a task that will not run again
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL", "OUT_OF_MEMORY"),
    *("PREEMPTED", "RECONFIG_FAIL", "REVOKED", "TIMEOUT"),
)

# What Slurm's commands get of the caller's variables. Inside a job, that one's SLURM_* would become the new one's.
KEPT = (
    *("SLURM_CONF", "HOME", "USER", "LOGNAME", "TZ", "LC_ALL", "SBATCH_ACCOUNT", "SBATCH_CONSTRAINT"),
    *("SBATCH_MEM_PER_CPU", "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_RESERVATION", "SBATCH_TIMELIMIT"),
)
# Options of sbatch that the suite itself gives, or that would let it do something else.
OURS = (
    *("array", "chdir", "clusters", "error", "export", "export-file", "get-user-env", "help", "hold", "input"),
    *(
        "job-name",
        "no-requeue",
        "open-mode",
        "output",
        "parsable",
        "quiet",
        "requeue",
        "signal",
        "test-only",
        "usage",
        "verbose",
    ),
    *("version", "wait", "wait-all-nodes", "wrap"),
)


# Options of sbatch that say what a part of a `Share` says; with any part a task does one job at once.
SHARED = {
    "cores": ("cpus-per-task",),
    "memory": ("cpus-per-task", "mem", "mem-per-cpu", "mem-per-gpu"),
    "gpus": ("cpus-per-task", "gres", "gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task"),
}


class Refused(Exception):
    """A command of Slurm did not do what it should; its words are in one line."""


class Task(NamedTuple):
    """What Slurm says about a task of an array: its state, its node if it has one, and why it waits."""

    state: str
    node: str
    reason: str

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.state in OVER

    @property
    def is_fault(self) -> bool:
        """Whether it has ended by a fault of its machine or of itself."""
        return self.over and self.state not in ("CANCELLED", "COMPLETED", "PREEMPTED", "REVOKED")

    @property
    def waits(self) -> bool:
        """Whether it has not begun, or is to begin again."""
        return self.state in ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD")


@dataclass(frozen=True)
class Slurm:
    """The cluster whose commands are in PATH. `options` are the user's words for sbatch, such as `--partition=gpu`."""

    options: tuple[str, ...] = ()

    def require(self) -> None:
        """Raise `Refused` if a command is missing."""
        for command in COMMANDS:
            if shutil.which(command) is None:
                raise Refused(f"there is no {command} in PATH: its commands are needed on this machine")

    def wrong_option(self) -> str | None:
        """Why the options cannot be given, or None: each is `--name` or `--name=value`, and none is ours."""
        for word in self.options:
            name = word.partition("=")[0]
            if not re.fullmatch("--[a-z][a-z-]+", name):
                return f"{word!r:.80} is not of the form name or name=value"
            if any(one.startswith(name[2:]) for one in OURS):  # sbatch takes the beginning of a name too
                return f"{name[2:]!r:.80} is what the suite itself tells sbatch"
        return None

    def said_twice(self, share: Share) -> str | None:
        """The user's option that says what the share says too, or None."""
        asked = [part for part in SHARED if getattr(share, part) != getattr(ONE, part)]
        both = [name for part in asked for name in SHARED[part]]
        given = (word.partition("=")[0].removeprefix("--") for word in self.options)
        return next((name for name in given if any(one.startswith(name) for one in both)), None)

    def machines(self) -> list[Machine]:
        """What the machines have among which the user's options choose a partition; raises `Refused`."""
        chosen = [word for word in self.options if word.startswith("--partition=")]
        said = _said(["sinfo", "--noheader", "--Node", "--exact", "--format=%N|%c|%m|%G", *chosen], "", {})
        found = []
        for line in said.splitlines():
            name, cores, memory, devices = line.strip().split("|")
            gpus = sum(int(number) for number in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", devices))
            found.append(Machine(name, int(cores), int(memory) << 20, gpus))
        return found

    def submit(
        self,
        script: str,
        tasks: int,
        *,
        most: int | None,
        output: Path,
        environment: Mapping[str, str],
        avoid: Sequence[str],
    ) -> str:
        """Submit an array of `tasks` tasks, `most` of them at once, and return its number; raises `Refused`.

        Each task runs the shell `script` on some node, not on the nodes to `avoid`, with no variables of the caller but
        `environment`. What it prints goes to `output`. It gets SIGTERM before its time limit, and is queued again if
        its node fails or is wanted by others.
        """
        shut = [word.partition("=")[2] for word in self.options if word.startswith("--exclude=")]
        words = [
            "sbatch", "--parsable", "--job-name=suite", f"--array=0-{tasks - 1}" + (f"%{most}" if most else ""),
            f"--output={output}", "--open-mode=append", "--requeue", f"--signal=B:TERM@{SIGNAL}",
            f"--export={','.join(environment)}", *self.options,
            *([f"--exclude={','.join([*shut, *avoid])}"] if avoid else []),
        ]  # fmt: skip
        return _said(words, script, environment).strip().partition(";")[0]

    def tasks(self, arrays: Sequence[str]) -> dict[str, Task] | None:
        """The tasks of these arrays that Slurm still knows, as `ARRAY_TASK`; None if it does not answer now.

        Slurm forgets a task some minutes after its end.
        """
        if not arrays:
            return {}
        format_ = "--format=%F_%K|%T|%N|%r"
        words = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={','.join(arrays)}", format_]
        try:
            said = _said(words, "", {})
        except Refused as error:
            return {} if "Invalid job id" in str(error) else None
        lines = [line.strip().split("|") for line in said.splitlines()]
        return {words[0]: Task(*words[1:4]) for words in lines if len(words) == 4}

    def cancel(self, arrays: Sequence[str]) -> None:
        """End all tasks of these arrays; what has ended already is no error. Raises `Refused`."""
        if arrays:
            _said(["scancel", "--quiet", *arrays], "", {})


def _said(words: Sequence[str], script: str, environment: Mapping[str, str]) -> str:
    """What a command prints on stdout; raises `Refused` with its last words on stderr."""
    ours = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        answer = subprocess.run(
            words, input=script, env={"PATH": os.environ.get("PATH", os.defpath), **ours, **environment},
            capture_output=True, text=True, errors="replace", timeout=WAIT, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refused(f"{words[0]} has not answered for {WAIT} s") from None
    except OSError as error:
        raise Refused(f"{words[0]} cannot be started: {error.strerror}") from error
    if answer.returncode:
        lines = [line.removeprefix(f"{words[0]}: ").removeprefix("error: ") for line in answer.stderr.splitlines()]
        told = "; ".join(line for line in lines if line and not line.startswith("Try ")) or f"exit {answer.returncode}"
        raise Refused(f"{words[0]}: {told}")
    return answer.stdout
