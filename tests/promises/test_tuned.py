"""Check 17 too: a comparison of tuned experiments is killed at random moments, and ends as the unbroken one.

The kills fall into the studies and into the runs of their winners. Each life continues with another number of workers.
"""

import json
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.cli.test_tuned import lab
from tests.conftest import Workspace
from tests.documents import valid
from tests.promises.lives import wait
from tests.promises.test_studies import list_of

pytestmark = [pytest.mark.full, pytest.mark.promise, pytest.mark.timeout(3600)]

RUNS = "mlruns/runs/*/*/"
SAMPLERS, WORKERS = ("tpe", "random"), (1, 3, 2)
KILLS = 4, 2  # in the studies, and in the runs of their winners, which come after them


def words_of(sampler: str, workers: int) -> tuple[str, ...]:
    """The command; of the tree of Parzen estimators trials are stopped early, of the random search none."""
    return ("compare", "plain", "weak", "--tuned", "--trials", "4", "--studies", "2", "--epochs", "2",
            "--sampler", sampler, "--workers", str(workers))  # fmt: skip


def trained(workspace: Workspace, kind: str = "*") -> int:
    """How many epochs are stored: those of the trials, of their judgement, and of the runs on all training images."""
    return sum(len(path.read_text().splitlines()) for path in workspace.home.glob(f"mlruns/{kind}/*/*/history.jsonl"))


def runs_of(workspace: Workspace) -> dict[str, tuple[str, float]]:
    """The weights and the test accuracy of each run on all training images."""
    found = {
        path.parent.name: json.loads(path.read_text()) for path in workspace.home.glob("mlruns/runs/*/*/result.json")
    }
    return {name: (one["weights_sha256"], one["metrics"]["test/accuracy"]) for name, one in found.items()}


def outcome(workspace: Workspace, sampler: str, workers: int) -> dict:
    """What the command ends with: trial lists, runs, and what it says. It is continued, or begun."""
    process = workspace.start(*words_of(sampler, workers), "--json")
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, (out, err)
    facts = valid(out)
    said = {name: facts[name] for name in ("comparisons", "settings", "noise", "best_so_far")}
    studies = sorted(path.stem for path in workspace.home.glob("mlruns/studies/*.json"))
    return {**said, "studies": {name: list_of(workspace, name) for name in studies}, "runs": runs_of(workspace)}


@dataclass
class Life:
    """A home in which one comparison is killed several times."""

    workspace: Workspace
    sampler: str
    kills: int = 0
    in_runs: int = 0  # kills that came while winners were trained

    def broken(self, moments: list[int]) -> dict:
        """Kill all its processes each time when so many epochs are stored, then let it end."""
        for number, epochs in enumerate(moments):
            process = self.workspace.start(*words_of(self.sampler, WORKERS[number % len(WORKERS)]))
            alive = wait(lambda wanted=epochs: trained(self.workspace) >= wanted, process, 1800)
            before = trained(self.workspace)
            if alive:
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate(timeout=60)
            assert alive or process.returncode == 0, (out, err)
            assert trained(self.workspace) >= before, "nothing that was trained is gone"
            self.kills += alive
            self.in_runs += alive and any(self.workspace.home.glob(RUNS + "history.jsonl"))
        return outcome(self.workspace, self.sampler, WORKERS[len(moments) % len(WORKERS)])


def moments(epochs: int, of_runs: int, chance: random.Random) -> list[int]:
    """How many epochs shall be stored at each kill: one in each part of the studies, and of nine tenths of the runs."""
    studies = epochs - of_runs
    parts = [(0, studies), (studies + 1, 0.9 * of_runs - 1)]  # by then a run has an epoch
    return [
        int(begin + length * (number + chance.random()) / kills)
        for (begin, length), kills in zip(parts, KILLS, strict=True)
        for number in range(kills)
    ]


@pytest.mark.check(17, "a killed study is the unbroken one")
def test_a_killed_comparison_of_tuned_experiments_is_the_unbroken_one(check, chance, tmp_path):
    def undisturbed(sampler: str) -> tuple[dict, tuple[int, int]]:
        (place := tmp_path / f"unbroken-{sampler}").mkdir()
        workspace = lab(place)
        return outcome(workspace, sampler, 2), (trained(workspace), trained(workspace, "runs"))

    def disturbed(sampler: str, epochs: tuple[int, int], chance: random.Random) -> tuple[Life, dict]:
        (place := tmp_path / f"broken-{sampler}").mkdir()
        life = Life(lab(place), sampler)
        return life, life.broken(moments(*epochs, chance))

    with ThreadPoolExecutor(2) as two:
        unbroken = list(two.map(undisturbed, SAMPLERS))
        chances = [random.Random(chance.random()) for _ in SAMPLERS]
        lives = list(two.map(disturbed, SAMPLERS, [epochs for _, epochs in unbroken], chances))

    for (life, found), (expected, _) in zip(lives, unbroken, strict=True):
        with check.case(life.kills):
            assert found == expected
            assert life.kills >= 5, "most came before the end"
            assert life.in_runs >= 2
    check.remarks.append(f"{sum(life.kills for life, _ in lives)} kills of compare --tuned")
