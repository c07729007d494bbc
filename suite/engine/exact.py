"""The settings that make a run reproducible to the bit, and the facts about the machine that the bits depend on."""

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.engine import program
from suite.errors import MACHINE, SuiteError

if TYPE_CHECKING:
    from suite.engine.way import Way

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
BINDING = ("torch", "way", "numeric_class", "device", "switches", "threads", "engine_sha256")

# The user's variables that select other arithmetic. Measurements showed that most change the bits.
SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "SUITE_COMPILE",
    "SUITE_KERNELS",
)


_CBWR_ALL, _CBWR_COMPATIBLE = -1, 3  # of mkl_cbwr_get, as in mkl_types.h
# The arithmetic of every x86-64 processor with AVX2. MKL takes AVX2 as an order of sums on Intel's processors only.
PORTABLE = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}


def make_portable() -> None:
    """Let torch and its libraries compute as they can on other x86-64 processors too, for the rest of this process.

    They read these variables at their first operation, so this must come before it. Raises `SuiteError`: 2 for a GPU
    and for compiled programs, 3 for a processor without AVX2.
    """
    import torch

    from suite.engine.device import COMPILE, DEVICE, compile_mode, device

    if device().type != "cpu" or compile_mode():
        named = DEVICE if device().type != "cpu" else COMPILE
        raise SuiteError(f"portable: {named}={os.environ[named]} gives bits of this machine.", f"Unset {named}.")
    for name in set(SWITCHES) - {"SUITE_KERNELS"}:
        os.environ.pop(name, None)
    os.environ.update(PORTABLE)
    found = torch.backends.cpu.get_cpu_capability()
    if found != "AVX2" or not _mkl_is_compatible():
        how = f"with {found}" if found != "AVX2" else "with MKL's own order of sums"
        raise SuiteError(
            f"portable: torch computes {how} here.",
            "It needs an x86-64 processor with AVX2, and a script that computes nothing with torch at its import.",
            code=MACHINE,
        )


def _mkl_is_compatible() -> bool:
    """Whether MKL, if torch has it, has read `MKL_CBWR`: after its first matrix product it reads it no more."""
    import torch

    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    except OSError:  # another system's torch, which is not asked
        return True
    if not hasattr(library, "mkl_serv_cbwr_get"):
        return True
    return int(library.mkl_serv_cbwr_get(ctypes.c_int(_CBWR_ALL))) == _CBWR_COMPATIBLE


def make_exact() -> None:
    """Set every switch of torch that can change the bits, for the rest of this process: one thread, real float32, ….

    Raises `SuiteError` (2) for one that cannot be set back.
    """
    from suite.engine import switches

    switches.put_all()


def switched() -> dict[str, Any]:
    """What all switches say now: torch's, and the variables of the environment that libraries may read late."""
    from suite.engine import switches

    variables = (*ENVIRONMENT, *SWITCHES, "SUITE_DEVICE")
    return {**switches.state(), **{f"os.environ[{name!r}]": os.environ.get(name) for name in variables}}


def require_unchanged(before: dict[str, Any], path: Path | str, by: str) -> None:
    """Raise `SuiteError` (2) if the file at `path` has changed a switch since `before`; `by` says which part of it."""
    for name, now in switched().items():
        if now != before[name]:
            raise SuiteError(
                f"{path}: {by} changes {name} from {before[name]} to {now}.",
                "The suite trains every experiment with the first value: take the change out of the file.",
            )


@contextmanager
def unchanged(path: Path | str, by: str) -> Iterator[None]:
    """Run a part of the file at `path`; a changed switch is named, also where the part then raises its own error."""
    before = switched()
    try:
        yield
    except Exception:
        require_unchanged(before, path, by)
        raise
    require_unchanged(before, path, by)


@contextmanager
def usual_tensors() -> Iterator[None]:
    """float32 on the CPU as torch's defaults, in a process where any file may have set others; then as before."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(before)


def machine() -> dict[str, Any]:
    """The name of the processor, and the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu(), "cores": cores}


def environment(way: "Way") -> dict[str, Any]:
    """What results depend on besides recipe and seed: versions, processor, numeric class, threads, program text.

    `way` is how the numbers are computed; the numeric class is that of this way.
    """
    import numpy
    import torch

    from suite import __version__
    from suite.engine.device import device_name
    from suite.engine.numeric import class_of_way

    return {
        "suite": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a plain str: unpickling torch's own string type would import torch
        "numpy": numpy.__version__,
        **machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "way": str(way),
        "numeric_class": class_of_way(way),
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
