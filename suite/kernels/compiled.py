"""Compiled functions: each is compiled when it is first needed, once for a processor and a version of the kernels.

Numba keeps their code in a folder of the user's cache. It looks at the one file in which a function is defined, so the
folder is named after the text of all files, the versions of Numba and LLVM, and the processor with its instructions.
"""

import functools
import hashlib
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

WIDE = "+avx512vl"  # a processor with 32 registers of 16 lanes
_kept: list[Any] = []  # a function's code lives as long as its object


@functools.cache
def address(module: str, maker: str, *values: Any) -> int:
    """The address of the function that `maker` of a module of this room makes for these values.

    While one process compiles a function, the others wait for its code. Where it cannot be kept, each process compiles
    for itself, and says so once.
    """
    make = getattr(importlib.import_module(f"suite.kernels.{module}"), maker)
    name = "-".join([module, maker, *(str(int(value)) for value in values)])
    try:
        with _in_cache(folder()), _alone(folder() / f"{name}.done"):
            return _made(make, values, cache=True)
    except (OSError, RuntimeError) as error:  # Numba raises the second where it finds no folder to write to
        _say_once(str(error) if isinstance(error, OSError) else f"{folder()}: cannot be written")
        return _made(make, values, cache=False)


def _made(make: Callable[..., Any], values: tuple[Any, ...], *, cache: bool) -> int:
    from numba import cfunc

    signature, function = make(*values)
    if cache:
        function.__code__ = function.__code__.replace(co_filename=str(_copied(function.__code__.co_filename)))
    compiled = cfunc(signature, cache=cache, error_model="numpy")(function)
    _kept.append(compiled)
    return int(compiled.address)


def _copied(source: str) -> Path:
    """A copy of a module's text beside the code: Numba goes by its path and time, which another checkout has not."""
    copied = folder() / Path(source).name
    if not copied.exists():
        new = copied.with_suffix(f".{os.getpid()}")
        shutil.copyfile(source, new)
        new.replace(copied)
    return copied


@contextmanager
def _in_cache(place: Path) -> Iterator[None]:
    """Let Numba keep code in this folder; the user's own functions keep theirs where they did."""
    from numba.core import config

    before, config.CACHE_DIR = config.CACHE_DIR, str(place)
    try:
        yield
    finally:
        config.CACHE_DIR = before


@contextmanager
def _alone(done: Path) -> Iterator[None]:
    """Hold the folder's lock until the file `done` is there: then the code is, and can be read without a lock."""
    if done.exists():
        yield
        return
    from filelock import FileLock

    done.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(done.parent / "lock"):
        yield
        done.touch()


@functools.cache
def _say_once(fault: str) -> None:
    print(f"The kernels' compiled code is not kept: {fault}. Each process compiles for itself.", file=sys.stderr)


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
    """The processor's instructions as LLVM names them, or those that NUMBA_CPU_FEATURES lets it use."""
    from numba.core import codegen, config

    return str(codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES)


def are_ready() -> bool:
    """Whether some process has compiled these kernels for a processor of this user; Numba is not loaded."""
    return any(_base().glob(f"{text_sha256()[:12]}-*/walking-make_backward.done"))


def _base() -> Path:
    return platformdirs.user_cache_path("suite-benchmark") / "kernels"


@functools.cache
def folder() -> Path:
    """Where the compiled code is kept."""
    import llvmlite
    import numba
    from llvmlite import binding

    processor = f"{os.environ.get('NUMBA_CPU_NAME') or binding.get_host_cpu_name()} {_features()}"
    made_for = f"{sys.version} {numba.__version__} {llvmlite.__version__} {processor}"
    return _base() / f"{text_sha256()[:12]}-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}"
