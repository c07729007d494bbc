"""How long the commands that only tell take, and how that grows with the number of experiments."""

import os
import resource
import statistics
import subprocess
import sys

import pytest

from suite.recipe.registry import OURS

TEXT = (OURS / "lenet.py").read_text(encoding="utf-8")
ROUNDS = 5


@pytest.fixture
def commanded(benchmark, tmp_path):
    """Give a command several times; the seconds of processor time go beside the elapsed ones."""

    def give(*words, **environment):
        seconds = []

        def command():
            before = _seconds_of_children()
            done = subprocess.run(
                [sys.executable, "-m", "suite", *words], cwd=OURS.parent, capture_output=True, text=True, check=True,
                env={**os.environ, "SUITE_HOME": str(tmp_path), **environment},
            )  # fmt: skip
            seconds.append(_seconds_of_children() - before)
            return done.stdout

        out = benchmark.pedantic(command, rounds=ROUNDS, warmup_rounds=1)
        benchmark.extra_info["processor_seconds"] = statistics.median(seconds)
        return out

    return give


def test_help(commanded):
    assert "tune" in commanded("--help")


@pytest.mark.parametrize("experiments", [50, 150, 500])
def test_list(commanded, tmp_path, experiments, pytestconfig):
    if experiments > 50 and pytestconfig.getoption("benchmark_disable"):
        pytest.skip("says nothing that fewer do not, where nothing is measured")
    own = tmp_path / "own"
    own.mkdir()
    for number in range(experiments):
        (own / f"lenet_{number:03}.py").write_text(TEXT)

    assert commanded("list", SUITE_EXPERIMENTS=str(own)).count("lenet_") >= experiments


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
