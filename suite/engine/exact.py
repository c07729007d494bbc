"""The settings that make a run reproducible to the bit, and the facts about the machine that the bits depend on."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

from suite.engine import program

# Libraries read these when a process starts, so the parent of a worker must set them.
# The last two: by default glibc returns every large block to the system, and the next step pays for new page faults.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}

# A run is resumed only if all of these are unchanged. Measurements showed that each of them can change the bits.
BINDING = ("torch", "cpu_capability", "device", "switches", "threads", "engine_sha256")

# The user's variables that select other arithmetic. Measurements showed that the second and the last change the bits.
SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "SUITE_COMPILE",
)


def make_exact() -> None:
    """Set one thread and deterministic algorithms, for the rest of this process."""
    import torch

    torch.set_num_threads(1)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # only matters to a program that reads such memory
    torch.backends.cudnn.benchmark = False


def machine() -> dict[str, Any]:
    """The name of the processor, and the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu(), "cores": cores}


def environment() -> dict[str, Any]:
    """What results depend on besides recipe and seed: versions, processor, threads, program text."""
    import numpy
    import torch

    from suite import __version__
    from suite.engine.device import device_name

    return {
        "suite": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a plain str: unpickling torch's own string type would import torch
        "numpy": numpy.__version__,
        **machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": device_name(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "switches": {name: os.environ[name] for name in SWITCHES if os.environ.get(name)},
        **program.facts(),
    }


def _cpu() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
