"""Where runs are trained: on this machine, on a Ray cluster, or by Slurm."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from suite.api.progress import Screen
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.execute.executor import Executor
from suite.execute.share import ONE, Share

ENGINES = ("local", "ray", "slurm")


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
