"""Where runs are trained: on this machine, on a Ray cluster, or by Slurm."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from suite.api.progress import Screen
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.execute.executor import Executor
from suite.execute.share import ONE, UNITS, Share

ENGINES = ("local", "ray", "slurm")
FINEST = 4  # decimals of a fraction of a GPU: Ray counts in ten thousandths


class Cluster(Executor, Protocol):
    """An executor of runs on other machines."""

    @property
    def workers(self) -> int:
        """How many runs are trained at once."""

    @property
    def scratch(self) -> Path | None:
        """The folder in which temporary runs must be; None if any will do."""

    def require_one_kind(self, what: str) -> None:
        """Let no machines of different speed train: `what` depends on it. Raises `SuiteError` if there are such."""


def cluster_of(
    engine: str,
    home: Home,
    screen: Screen,
    workers: int | None,
    *,
    address: str | None,
    unauthenticated: bool,
    options: Sequence[str],
    share: Share,
) -> Cluster | None:
    """What trains instead of this machine; raises `SuiteError` (2) for an unknown engine, and for another's options."""
    if engine not in ENGINES:
        raise SuiteError(f"--engine: {engine!r:.80} is none.", f"Give {', '.join(ENGINES[:-1])} or {ENGINES[-1]}.")
    if (address or unauthenticated) and engine != "ray":
        raise SuiteError("--address and --allow-unauthenticated are of a Ray cluster.", "Give --engine ray too.")
    if options and engine != "slurm":
        raise SuiteError("--slurm-options are of Slurm.", "Give --engine slurm too.")
    if share != ONE:
        _require_cluster(engine, share)
    if engine == "ray":
        from suite.runs.elsewhere import Elsewhere

        return Elsewhere(address, workers, screen.say, screen.warn, allow_unauthenticated=unauthenticated, share=share)
    if engine == "slurm":
        from suite.runs.arrays import SlurmArrays

        asked = share if share != ONE else None
        return SlurmArrays.of(home.mlruns / "slurm", options, workers, screen.say, screen.warn, asked)
    return None


def _require_cluster(engine: str, share: Share) -> None:
    """Raise `SuiteError` (2) if the share has no meaning: runs of this machine share it by --workers."""
    if engine == "local":
        raise SuiteError("--cores-per-run, --memory and --gpus are of a cluster.", "Give --engine ray or slurm too.")
    if share.gpus and not os.environ.get("SUITE_DEVICE", "").startswith("cuda"):
        raise SuiteError("--gpus: the runs are trained on the processor.", "Set SUITE_DEVICE=cuda too.")


def share_asked(cores: int | None, memory: int | str | None, gpus: float | None) -> Share:
    """The share that a user asks for; `memory` in bytes or as 2G. Raises `SuiteError` (2)."""
    if cores is not None and not 1 <= cores <= 65_535:
        raise SuiteError(f"--cores-per-run: expected a whole number from 1, got {cores!r:.80}.")
    if gpus is not None and not (0 < gpus < 1 or (1 <= gpus <= 1024 and gpus == int(gpus))):
        raise SuiteError(f"--gpus: expected a fraction of one such as 0.25, or a whole number, got {gpus!r:.80}.")
    fine = round(gpus or 0, FINEST)
    if gpus and not fine:
        raise SuiteError(f"--gpus: {gpus!r:.80} of a GPU is nothing.", f"Give {10**-FINEST:.{FINEST}f} or more.")
    return Share(cores or 1, _bytes(memory) if memory is not None else None, fine)


def _bytes(memory: int | str) -> int:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([KMGT])i?B?", memory) if isinstance(memory, str) else None
    size = memory if isinstance(memory, int) else int(float(found[1]) * UNITS[found[2]]) if found else 0
    if size < UNITS["M"]:
        raise SuiteError(f"--memory: expected a size of 1M or more, such as 512M or 2G, got {memory!r:.80}.")
    return size
