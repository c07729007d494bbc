"""The settings under which the same run gives the same bits, and the facts that those bits depend on."""

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent.parent

# Read by the libraries when a process starts, so they must stand in the environment of the worker's parent.
# glibc gives every large block back to the system by default and page-faults it anew at the next step.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}

# A run is resumed only where all of these are as they were: measured, each of them changes the bits.
BINDING = ("torch", "cpu_capability", "threads", "engine_sha256")


def make_exact() -> None:
    """One thread and deterministic algorithms, for this process and until it ends."""
    import torch

    torch.set_num_threads(1)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def environment() -> dict[str, Any]:
    """What a number depends on beside recipe and seed: versions, processor, threads, program text."""
    import numpy
    import torch

    from suite import __version__

    return {
        "suite": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "cpu": _cpu(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "engine_sha256": _engine_sha256(),
        **_commit(),
    }


def _cpu() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def _engine_sha256() -> str:
    """Of every file whose text can change a number."""
    files = sorted([*(SOURCE / "engine").glob("*.py"), *(SOURCE / "data").glob("*.py")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@cache
def _commit() -> dict[str, Any]:
    """The commit that the program text comes from, and whether files were changed since; empty outside a checkout."""
    if not (SOURCE.parent / ".git").exists():
        return {}
    commit = _git("rev-parse", "HEAD")
    return {"git_commit": commit, "git_dirty": bool(_git("status", "--porcelain"))} if commit else {}


def _git(*words: str) -> str:
    try:
        answer = subprocess.run(["git", "-C", str(SOURCE.parent), *words], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):  # no git: the facts above say nothing rather than something false
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
