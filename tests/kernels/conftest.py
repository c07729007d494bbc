"""Small experiments on the digits, as the engine's tests have them, and places for compiled code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.kernels import compiled
from tests.engine.conftest import digits, experiment, run_of  # noqa: F401  fixtures


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for compiled code, and a process that has compiled nothing yet."""
    place = tmp_path / "cache"
    monkeypatch.setattr(compiled, "folder", lambda: place)
    monkeypatch.setattr(compiled, "address", _forgetful(compiled.address))
    compiled._say_once.cache_clear()
    yield place
    compiled._say_once.cache_clear()


def _forgetful(address: Callable[..., int]) -> Callable[..., int]:
    """The function without its memory of this process."""
    return address.__wrapped__
