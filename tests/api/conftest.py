"""Shared by the tests of calls: an empty home of their own."""

import pytest

from tests.conftest import furnish


@pytest.fixture
def home(request, tmp_path, monkeypatch):
    """An empty home of its own, which SUITE_HOME names; for tests that train it has MLflow's database already."""
    for name in ("SUITE_EXPERIMENTS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SUITE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    trains = request.node.get_closest_marker("commands")
    return furnish(tmp_path / "home") if trains else tmp_path / "home"
