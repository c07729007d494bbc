"""Check 13: several commands in one workspace share the runs: each run is trained once and sent to MLflow once."""

import time
from collections import Counter
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.conftest import Workspace
from tests.documents import valid
from tests.promises.conftest import CHOOSY, PLAIN
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.trackers import SLEEPY

pytestmark = pytest.mark.promise
Json = list[dict[str, Any]]
TITLE = "commands that meet in a new workspace train each run once"

# A training builds the network three times, two of them for the rehearsal. Each time adds a line to one common file.
COUNTED = """    import os

    with open(os.environ["BUILT"], "a") as file:
        file.write(f"{os.getpid()} %s\\n")
    from torch import nn
"""


@pytest.fixture
def met(tmp_path):
    """Makes a new workspace. Its `plain` and `choosy` add a line to a file each time that they are built."""
    own = tmp_path / "own"
    own.mkdir()
    for name, source in (("plain", PLAIN), ("choosy", CHOOSY)):
        (own / f"{name}.py").write_text(source.replace("    from torch import nn\n", COUNTED % name))

    def make(name: str) -> Workspace:
        (tmp_path / name).mkdir()
        built = str(tmp_path / f"{name}.built")
        return Workspace(tmp_path / name, {"SUITE_EXPERIMENTS": str(own), "BUILT": built}, bare=True)

    return make


def start_together(workspace: Workspace, n: int, *words: str) -> list["Popen[str]"]:
    return [workspace.start("run", *words, "--no-report", "--json") for _ in range(n)]


def ends_of(processes: list["Popen[str]"]) -> list[tuple[Json, list[str]]]:
    """The runs that each command reported and the epochs that it trained. Each must end with 0 and no message."""
    ends = [(process.communicate(timeout=400), process.returncode) for process in processes]
    for (out, err), code in ends:
        assert code == 0, (out, err)
        assert "Traceback" not in out + err
        assert "suite: " not in err, err
    return [(valid(out)["runs"], [line[: line.index("/")] for line in err.splitlines() if "  epoch " in line])
            for (out, err), _ in ends]  # fmt: skip


def hashes(runs: Json) -> dict[tuple[str, int], str]:
    assert {run["status"] for run in runs} == {"finished"}
    return {(run["experiment"], run["seed"]): run["weights_sha256"] for run in runs}


def built(workspace: Workspace) -> "Counter[str]":
    return Counter(line.split()[1] for line in Path(workspace.extra["BUILT"]).read_text().splitlines())


def assert_each_was_trained_once(ends: list[tuple[Json, list[str]]], true: dict[tuple[str, int], str]) -> None:
    """All commands report the same runs, with the weights in `true`. Each epoch was trained by one command only."""
    for runs, _ in ends:
        assert hashes(runs).items() <= {**hashes(runs), **true}.items()
        true.update(hashes(runs))
    epochs = Counter(epoch for _, trained in ends for epoch in trained)
    assert set(epochs.values()) == {1}, epochs
    assert {epoch.split()[0] for epoch in epochs} == {f"{name}-s{seed}" for name, seed in hashes(ends[0][0])}


@pytest.fixture(scope="module")
def true(twins) -> dict[tuple[str, int], str]:
    """The hash of the weights of every run so far. At first these are the undisturbed twins."""
    return {(name, 0): result["weights_sha256"] for name, (result, _) in twins.items()}


@pytest.mark.check(13, TITLE)
@pytest.mark.parametrize("crowd", [pytest.param(2, marks=pytest.mark.full), 4])
def test_commands_that_meet_train_each_run_once(check, met, true, crowd):
    for n in range(check.times(9, 1)):
        workspace, seeds = met(f"home-{n}"), 4 // crowd
        with check.case(1 if check.full else crowd):
            ends = ends_of(start_together(workspace, crowd, "plain", "choosy", "--seeds", str(seeds)))

            assert_each_was_trained_once(ends, true)
            assert built(workspace) == {"plain": 3 * seeds, "choosy": 3 * seeds}
            assert_mirror_is_exact(workspace.home)


@pytest.mark.full
@pytest.mark.check(13, TITLE)
def test_commands_that_train_all_meet_likewise(check, true, tmp_path):
    for crowd in (2, 4):
        home = tmp_path / str(crowd)
        home.mkdir()
        with check.case():
            words = ("all", "--data", "digits", "--epochs", "1", "--seeds", "1")

            ends = ends_of(start_together(Workspace(home, bare=True), crowd, *words))

            assert_each_was_trained_once(ends, true)
            assert_mirror_is_exact(home)


@pytest.mark.full
@pytest.mark.check(13, TITLE)
def test_sync_and_report_beside_a_running_run(check, tmp_path):
    for n in range(check.times(2, 1)):
        home, own = tmp_path / f"home-{n}", tmp_path / f"own-{n}"
        home.mkdir()
        own.mkdir()
        (own / "sleepy.py").write_text(SLEEPY)
        workspace = Workspace(home, {"SUITE_EXPERIMENTS": str(own), "NAP": "0.3"})
        with check.case(1 if check.full else 3):
            running = workspace.start("run", "sleepy", "--seeds", "2", "--workers", "1", "--no-report", "--json")
            while running.poll() is None and len(workspace.results()) < 1:
                time.sleep(0.05)

            beside = [
                workspace.start(*words) for words in (["sync", "--json"], ["report", "--json"], ["sync", "--json"])
            ]

            answers = [(process.communicate(timeout=400), process.returncode) for process in [running, *beside]]
            assert [code for _, code in answers] == [0, 0, 0, 0], answers
            assert all("suite: " not in err for (_, err), _ in answers), answers
            assert_mirror_is_exact(home)
