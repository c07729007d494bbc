"""The time of `run` from start to report: compared with the tutorials' loops, its overhead, and with two workers.

Times depend on machine and hour. So only ratios are tested, and only with -m promise, when no other test runs.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.benching.sides import Side
from tests.conftest import ROOT, Workspace
from tests.promises.conftest import Check

pytestmark = [pytest.mark.promise, pytest.mark.full, pytest.mark.timeout(7200)]
TITLE = "the whole of `run`: beside tutorials, its overhead, two workers"
SIX = ("mlp", "lenet", "cnn", "cnn_one_epoch", "lenet_avgpool", "lenet_gaussian")
SMALL = ("--data", "digits", "--epochs", "1")
SHARE = 0.1  # of the tutorials' steps and evaluations are timed; all of a kind take about the same time


def run(folder: Path, *words: str) -> tuple[float, float]:
    """The seconds of a command in a new home, and the seconds that its runs spent in training and evaluation."""
    folder.mkdir(parents=True)
    workspace = Workspace(folder)
    begun = time.perf_counter()
    process = workspace.start("run", *words)
    _, complaints = process.communicate(timeout=3600)
    seconds = time.perf_counter() - begun
    assert process.returncode == 0, complaints
    clocks = [result["clock"] for result in workspace.results().values()]
    return seconds, math.fsum(clock["perf/train_seconds"] + clock["perf/evaluation_seconds"] for clock in clocks)


def tutorials(names: tuple[str, ...], overrides: dict[str, object], share: float) -> float:
    """The seconds that the tutorials' own loops need for these experiments, one after the other, each on all cores.

    The start of Python is not counted.
    """
    environment = Side("tutorial", "tutorial", "all").environment()
    return math.fsum(
        float(
            subprocess.run(
                [sys.executable, "-m", "tests.promises.tutorial", name, json.dumps(overrides), str(share)],
                cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=3600,
            ).stdout
        )
        for name in names
    )  # fmt: skip


@pytest.mark.check(26, TITLE)
def test_all_six_beside_the_tutorials_and_what_is_neither_training_nor_evaluation(check: Check, tmp_path, figure):
    """With -m promise all published protocols, one seed, with tracking and report; else two of them on the digits."""
    names, words, overrides, share = (
        (SIX, (), {}, SHARE) if check.full else (("mlp", "cnn"), SMALL, {"data": "digits", "epochs": 1}, 1.0)
    )
    cores = len(os.sched_getaffinity(0))
    times, others = [], []
    for number in range(check.times(3, short=1)):
        with check.case():
            seconds, busy = run(tmp_path / str(number), *names, "--seeds", "1", *words)
            times.append(tutorials(names, overrides, share) / seconds)
            others.append(1 - busy / min(cores, len(names)) / seconds)
    figure(
        f"run {' '.join(names)} {' '.join(words)}: the tutorials' loops take {_told(times)} times as long; "
        f"neither training nor evaluation: {_told(others)} of the time, n {len(times)}"
    )
    assert all(0 < other < 1 for other in others)
    assert not check.full or statistics.median(times) >= 5


@pytest.mark.check(26, TITLE)
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_two_workers_beside_one(check: Check, tmp_path, figure):
    """The same runs with one and with two workers, without the report. With -m promise the runs of all six."""
    words = (*(SIX if check.full else ("cnn_one_epoch", *SMALL)), "--no-report", "--seeds", "1" if check.full else "2")
    ratios = []
    for number in range(check.times(3, short=1)):
        taken = {}
        for workers in (1, 2) if number % 2 else (2, 1):
            with check.case():
                taken[workers], _ = run(tmp_path / f"{number}-{workers}", *words, "--workers", str(workers))
        ratios.append(taken[1] / taken[2])
    figure(f"run {' '.join(words)}: two workers take {_told(ratios)} times fewer hours than one, n {len(ratios)}")
    assert not check.full or statistics.median(ratios) >= 1.6  # the aim is 1.85: docs/kernels.md


def _told(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"
