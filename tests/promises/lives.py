"""Real commands that are killed early: experiments that report each step, and what the commands leave on the disk."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from suite.disk.journal import Run
from suite.engine import checkpoint
from tests.conftest import Workspace
from tests.promises.colours import colour, write_tints
from tests.promises.conftest import CHOOSY, KINDS, PLAIN

SEEDS = 2
LIVES = (*KINDS, "colour")  # the last one only with `-m promise`: it is slow
REST = ("--seeds", str(SEEDS), "--workers", "2", "--no-report")
STEPS = {"plain": 15, "choosy": 24, "colour": 4}  # in an epoch
TELLING = '''
    import time

    import torch
    from torch import nn

    class Telling(nn.Module):
        """Goes to output.log: a line when the training begins, one for each of its steps."""

        def forward(self, pixels):
            if self.training and torch.is_grad_enabled():  # not in the rehearsal before the training
                print("step", flush=True)
                time.sleep(0.03)
            return pixels

    print("begin", flush=True)
    return nn.Sequential(
        Telling(), '''


def lives(*, full: bool) -> tuple[str, ...]:
    """The experiments that one command trains."""
    return LIVES if full else KINDS


def write_telling(folder: Path) -> None:
    """Put the three experiments into a folder. They are slowed down a little and report every step."""
    for name, text in zip(LIVES, (PLAIN, CHOOSY, colour()), strict=True):
        head, _, layers = text.partition("    return nn.Sequential(")
        assert layers, text
        (folder / f"{name}.py").write_text(
            head.removesuffix("    from torch import nn\n\n") + TELLING + layers.lstrip()
        )
    write_tints(folder)


@dataclass(frozen=True)
class Progress:
    """How far a run is, read from the disk: all steps ever trained, epochs kept, and the result if there is one."""

    steps: int
    epochs: int
    result: tuple[bytes, int] | None


def progress(run: Run) -> Progress:
    """Read the folder of a run. Nobody may write to it meanwhile."""
    log, result = run.folder / "output.log", run.folder / "result.json"
    told = log.read_text().split() if log.exists() else []
    epochs = len(checkpoint.load(run.checkpoint)[1]["history"]) if run.checkpoint.exists() else 0
    ended = (result.read_bytes(), result.stat().st_mtime_ns) if result.exists() else None
    return Progress(told.count("step"), epochs, ended)


def begun(home: Path) -> int:
    """How often a training began in this home."""
    return sum(path.read_text().count("begin") for path in home.glob("mlruns/runs/*/*/output.log"))


def wait(until, process: "subprocess.Popen[str]", seconds: float = 120) -> bool:
    """Wait until a condition is true. Returns False if the process ends first."""
    limit = time.monotonic() + seconds
    while not until():
        if process.poll() is not None:
            return False
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.01)
    return True


def killed_after(workspace: Workspace, kinds: tuple[str, ...], seconds: float, *, training: bool) -> bool:
    """Start the command and kill all its processes with `kill -9`. Returns False if it had ended before that.

    `seconds` count from the first step of a training, or from the start of the command.
    """
    before = begun(workspace.home)
    process = workspace.start("run", *kinds, *REST)
    if not training or wait(lambda: begun(workspace.home) > before, process):
        time.sleep(seconds)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert alive or process.returncode == 0, (out, err)
    return alive
