"""Compiled code is kept in the user's cache, and a cache that cannot be used costs a message, never a run."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from suite.kernels import compiled
from tests.conftest import ROOT, plain_environment

pytestmark = pytest.mark.slow

ONE = ("pointwise", "make_forward", 0)


def works(address: int) -> bool:
    """Whether the function at the address is ReLU's forward pass."""
    import ctypes

    from suite.kernels import fields as f

    a, row = np.linspace(-1, 1, 64, dtype=np.float32), np.zeros(f.COUNT, np.int64)
    row[[f.X, f.Y, f.FEATURES]] = 0, 32, 2
    kinds = ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_ssize_t] * 3
    ctypes.CFUNCTYPE(None, *kinds)(address)(a.ctypes.data, row.ctypes.data, 0, 1, 16)
    return bool((a[32:] == np.maximum(a[:32], 0)).all())


def files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


def times_compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that grows with each function that is compiled, not read."""
    from numba.core import ccallback

    seen: list[object] = []
    before = ccallback.CFunc._compile_uncached
    monkeypatch.setattr(ccallback.CFunc, "_compile_uncached", lambda self: (seen.append(self), before(self))[1])
    return seen


def test_code_is_compiled_once_and_then_read(cache, monkeypatch, capsys):
    seen = times_compiled(monkeypatch)

    assert works(compiled.address(*ONE))
    assert works(compiled.address(*ONE))

    assert len(seen) == 1
    assert capsys.readouterr().err == ""
    assert [path.name for path in files(cache) if path.suffix not in (".nbi", ".nbc")] == [
        "lock", "pointwise.py", compiled.DIGEST
    ]  # fmt: skip


@pytest.mark.parametrize("left", [0, 7, 0.5])
def test_damaged_code_is_compiled_anew(cache, monkeypatch, left):
    compiled.address(*ONE)
    seen = times_compiled(monkeypatch)
    for damaged in files(cache / "pointwise-make_forward-0"):
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[: left if isinstance(left, int) else int(len(whole) * left)])

        assert works(compiled.address(*ONE)), damaged

    assert len(seen) == 4  # index, code, the copy of the source, and the digest, one after the other
    assert works(compiled.address(*ONE))
    assert len(seen) == 4


def test_code_with_a_flipped_bit_is_not_called(cache, monkeypatch):
    compiled.address(*ONE)
    seen = times_compiled(monkeypatch)
    [code] = [path for path in files(cache) if path.suffix == ".nbc"]
    contents = bytearray(code.read_bytes())
    contents[len(contents) // 2] ^= 1
    code.write_bytes(contents)

    assert works(compiled.address(*ONE))
    assert len(seen) == 1


def test_what_a_broken_process_left_is_compiled_anew(cache, monkeypatch):
    compiled.address(*ONE)
    (cache / "pointwise-make_forward-0" / compiled.DIGEST).unlink()
    seen = times_compiled(monkeypatch)

    assert works(compiled.address(*ONE))
    assert len(seen) == 1


def test_a_folder_that_cannot_be_made_costs_one_message(cache, capsys):
    cache.write_text("a file stands where the folder would be")

    assert works(compiled.address(*ONE))
    assert works(compiled.address(*ONE))

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("The kernels' compiled code is not kept: ")
    assert str(cache) in said[0]


def test_a_file_system_without_locks_costs_one_message(cache, capsys, monkeypatch):
    def refuse(*_words):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(compiled, "FileLock", refuse)

    assert works(compiled.address(*ONE))
    assert "support flock. Each process compiles for itself." in capsys.readouterr().err
    assert [path for path in files(cache) if path.suffix == ".nbc"] == []


@pytest.mark.parametrize("module", ["tempfile.TemporaryFile", "numba.core.caching.IndexDataCacheFile.save"])
@pytest.mark.usefixtures("cache")
def test_a_disk_that_is_full_or_read_only_costs_a_message_and_nothing_is_written_elsewhere(capsys, monkeypatch, module):
    def refuse(*_words, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, refuse)
    beside = ROOT / "suite" / "kernels" / "__pycache__"
    before = set(beside.glob("*.nb?"))

    assert works(compiled.address(*ONE))

    assert "No space left on device. Each process compiles for itself." in capsys.readouterr().err
    assert set(beside.glob("*.nb?")) == before
    monkeypatch.undo()


def test_numbas_own_settings_are_as_they_were(cache, monkeypatch):
    from numba.core import config

    monkeypatch.setattr(config, "CACHE_DIR", "mine")
    monkeypatch.setattr(config, "CACHE_LOCATOR_CLASSES", "InTreeCacheLocator", raising=False)

    compiled.address(*ONE)

    assert (config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES) == ("mine", "InTreeCacheLocator")
    assert [path for path in files(cache) if path.suffix == ".nbc"]


def test_who_finds_whole_code_does_not_wait_for_who_compiles(cache):
    compiled.address(*ONE)
    with FileLock(cache / "lock"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: works(compiled.address(*ONE))).result(timeout=60)


@pytest.fixture
def versions(tmp_path, monkeypatch) -> Callable[..., Path]:
    """Makes the folder of a version that was used so many days ago, in a cache of its own."""
    monkeypatch.setattr(compiled, "_base", lambda: tmp_path / "kernels")

    def made(name: str, days: float) -> Path:
        place = tmp_path / "kernels" / name
        (place / "pointwise-make_forward-0").mkdir(parents=True)
        (place / "pointwise-make_forward-0" / "code.nbc").write_bytes(b"code")
        os.utime(place, (time.time() - days * 24 * 3600,) * 2)
        return place

    return made


def folder() -> Path:
    """What a new process finds."""
    return compiled.folder.__wrapped__()


def test_code_of_other_versions_that_nobody_used_for_90_days_is_removed(versions):
    ours = versions(folder().name, 200)
    old, left, recent = versions("a" * 12 + "-old", 91), versions("removed-1-old", 91), versions("b" * 12 + "-new", 89)

    assert folder() == ours

    assert [path.exists() for path in (ours, old, left, recent)] == [True, False, False, True]
    assert sorted(path.name for path in ours.parent.iterdir()) == sorted([ours.name, recent.name])
    assert files(ours)


def test_code_that_a_process_uses_is_not_old(versions, monkeypatch):
    ours = versions(folder().name, 200)
    folder()
    monkeypatch.setattr(compiled, "text_sha256", lambda: "c" * 64)

    assert folder() != ours

    assert files(ours)


def test_processes_that_remove_the_same_code_at_once_do_not_hinder_each_other(versions):
    old = [versions(f"{'a' * 12}-{k}", 91) for k in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: folder(), range(8)))

    assert len(set(found)) == 1
    assert not any(path.exists() for path in old)


def test_code_that_was_removed_is_compiled_again(cache):
    compiled.address(*ONE)
    shutil.rmtree(cache)

    assert works(compiled.address(*ONE))
    assert files(cache)


AT_ONCE = """
import sys
from pathlib import Path
from numba.core import ccallback
from suite.kernels import compiled

before = ccallback.CFunc._compile_uncached
ccallback.CFunc._compile_uncached = lambda self: (print("compiled"), before(self))[1]
compiled.folder = lambda: Path(sys.argv[1])
for kind in (0, 3):
    compiled.address("pointwise", "make_forward", kind)
"""


@pytest.mark.promise
@pytest.mark.full
def test_two_processes_at_once_compile_each_function_once(tmp_path):
    command = [sys.executable, "-c", AT_ONCE, str(tmp_path)]
    both = [subprocess.Popen(command, env=plain_environment(), stdout=subprocess.PIPE, text=True) for _ in range(2)]

    said = [one.communicate()[0] for one in both]

    assert [one.returncode for one in both] == [0, 0]
    assert "".join(said).split() == ["compiled"] * 2
