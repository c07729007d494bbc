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
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

DIGEST = "sha256"  # the file that a folder of code gets last
WIDE = "+avx512vl"  # a processor with 32 registers of 16 lanes
UNUSED = 90 * 24 * 3600  # seconds: code of other versions and processors that was not used for longer is removed
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
        place = folder() / name
        with _whole(place), _in_cache(place):
            return _made(make, values, place)
    except (OSError, RuntimeError) as error:  # the second: a file system without locks
        _say_once(str(error))
        return _made(make, values, None)


def _made(make: Callable[..., Any], values: tuple[Any, ...], place: Path | None) -> int:
    """Compile a function, or read its code from its folder."""
    from numba import cfunc

    signature, function = make(*values)
    if place:
        function.__code__ = function.__code__.replace(co_filename=_copied(function.__code__.co_filename, place))
    compiled = cfunc(signature, cache=bool(place), error_model="numpy")(function)
    _kept.append(compiled)
    return int(compiled.address)


def _copied(source: str, place: Path) -> str:
    """A copy of a module's text beside its code: Numba goes by path and time, which other checkouts have not."""
    copied = place / Path(source).name
    if not copied.exists():
        shutil.copyfile(source, copied)
    return str(copied)


@contextmanager
def _in_cache(place: Path) -> Iterator[None]:
    """Let Numba keep code in this folder; the user's own functions keep theirs where they did.

    Raises `OSError` where nothing can be written: Numba would keep it beside the source, and find it there when other
    files of this room have changed.
    """
    from numba.core import config

    tempfile.TemporaryFile(dir=place).close()
    ours = {"CACHE_DIR": str(place), "CACHE_LOCATOR_CLASSES": ""}
    before = {name: getattr(config, name, "") for name in ours}
    try:
        vars(config).update(ours)
        yield
    finally:
        vars(config).update(before)


@contextmanager
def _whole(place: Path) -> Iterator[None]:
    """Let one process after the other fill a folder of code; one that is filled can be read without waiting.

    What a broken process left, and what is damaged, is thrown away: such code might do anything.
    """
    if _is_whole(place):
        yield
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.parent / "lock"):
        if not (whole := _is_whole(place)):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        yield
        if not whole:
            (place / DIGEST).write_text(_digest(place))


def _is_whole(place: Path) -> bool:
    try:
        return (place / DIGEST).read_bytes() == _digest(place).encode()
    except OSError:
        return False


def _digest(place: Path) -> str:
    """The SHA-256 of the files in which Numba keeps one function."""
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name != DIGEST)
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


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
    return any(_base().glob(f"{text_sha256()[:12]}-*/walking-make_backward/{DIGEST}"))


def _base() -> Path:
    return platformdirs.user_cache_path("suite-benchmark") / "kernels"


@functools.cache
def folder() -> Path:
    """Where the compiled code is kept."""
    import llvmlite
    import numba
    from llvmlite import binding
    from numba.core import config

    processor = f"{os.environ.get('NUMBA_CPU_NAME') or binding.get_host_cpu_name()} {_features()}"
    made_for = f"{sys.version} {numba.__version__} {llvmlite.__version__} {processor} {config.OPT}"
    return _alone(_base() / f"{text_sha256()[:12]}-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}")


def _alone(ours: Path) -> Path:
    """The folder, whose time says that it is used; others that no process has used for long are removed.

    Each is renamed first: a process that looks for its code finds all of it, or nothing, and compiles.
    """
    with suppress(OSError):  # there is none yet, or it belongs to somebody else
        os.utime(ours)
    for other in ours.parent.glob("*-*/"):
        with suppress(OSError):  # another process was quicker
            if other != ours and time.time() - other.stat().st_mtime > UNUSED:
                shutil.rmtree(other.rename(other.with_name(f"removed-{os.getpid()}-{other.name[-25:]}")))
    return ours
