"""Compiled functions: each is compiled when it is first needed, once for a processor and a version of the kernels.

Numba keeps the code in a folder of the user's cache. It looks at the one file in which a function is defined, so the
folder is named after the text of all files, the versions of Numba and LLVM, and the processor with its instructions.
"""

import functools
import hashlib
import importlib
import os
from pathlib import Path
from typing import Any

WIDE = "+avx512vl"  # a processor with 32 registers of 16 lanes


@functools.cache
def text_sha256() -> str:
    """The SHA-256 of the kernels' text, which fixes their results."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@functools.cache
def wide() -> bool:
    """Whether the processor has 32 registers of 16 lanes."""
    return WIDE in _features().split(",")


def _features() -> str:
    from numba.core import codegen, config

    return str(codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES)


@functools.cache
def address(module: str, maker: str, *values: Any) -> int:
    """The address of the function that `maker` of a module of this room makes for these values."""
    with_cache()
    return int(getattr(importlib.import_module(f"suite.kernels.{module}"), maker)(*values))


@functools.cache
def with_cache() -> None:
    """Let Numba keep the kernels' code in the user's cache; where that cannot be written, in memory alone."""
    from numba.core import config

    config.CACHE_DIR = str(folder())


@functools.cache
def folder() -> Path:
    import llvmlite
    import numba
    from llvmlite import binding

    processor = f"{binding.get_host_cpu_name()} {_features()}"
    name = f"{text_sha256()} {numba.__version__} {llvmlite.__version__} {processor} {os.environ.get('NUMBA_CPU_NAME')}"
    base = Path(os.environ.get("SUITE_CACHE") or Path.home() / ".cache" / "suite")
    return base / "kernels" / hashlib.sha256(name.encode()).hexdigest()[:16]
