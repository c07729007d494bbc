"""Machines of another numeric class, and one that can do nothing: they get no run, and no study has trials of two."""

import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.cluster.clusters import CACHE, KEPT, Cluster, Node
from tests.cluster.conftest import Driver
from tests.cluster.test_runs import numbers
from tests.conftest import ROOT, Workspace, answer_of

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full,
              pytest.mark.timeout(1800)]  # fmt: skip
WORDS = ("run", "slow", "--data", "digits", "--epochs", "3", "--seeds", "3", "--no-report")
TUNE = ("tune", "slow", "--data", "digits", "--epochs", "2", "--seeds", "1", "--fresh-seeds", "3", "--no-report",
        "--space", "lr=1e-3..1")  # fmt: skip
LESSER = """import os

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # as on a processor without AVX
"""


@pytest.fixture
def lesser(tmp_path: Path) -> dict[str, str]:
    """The variables of a node where torch computes as on a lesser processor, whatever the driver's variables say."""
    (tmp_path / "sitecustomize.py").write_text(LESSER)
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}", "KEPT": f"{KEPT} {tmp_path}"}


def test_a_machine_of_another_class_gets_no_run_and_is_named(home, driver, cluster, lesser):
    here, there = home("local"), driver("lesser")
    node = cluster.add(**lesser)
    cluster.wait()
    local, answer = answer_of(here.start(*WORDS)), answer_of(there.start(*WORDS))
    cluster.nodes.remove(node)
    node.kill()

    assert (local.code, answer.code) == (0, 0), (local, answer)
    assert answer.err.count("\n") == answer.err.count(" is not used: its numeric class is ") == 1, answer.err
    assert numbers(there.home.results()) == numbers(here.results())


def test_a_study_does_not_go_on_where_other_numbers_are_computed(home, places, lesser):
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    other = Cluster(folder, [places])
    try:
        other.add(**lesser)
        other.wait()
        there = Driver(other, home("study"))
        begun = answer_of(there.home.start(*TUNE, "--trials", "2"))
        answer = answer_of(there.start(*TUNE, "--trials", "4"))
    finally:
        other.stop()
    again = answer_of(there.home.start(*TUNE, "--trials", "4"))

    assert (begun.code, answer.code, again.code) == (0, 2, 0), (begun, answer, again)
    assert "belongs to a study whose trials were trained on machines of the numeric class" in answer.err
    assert len({class_in_trial(path) for path in there.home.home.glob("mlruns/trials/*/*/recipe.json")}) == 1


def class_in_trial(path: Path) -> tuple[str, str]:
    from suite.disk.classes import class_in

    return class_in(path.parent)


def make_read_only(node: Node) -> None:
    """Let the node have no room for data sets."""
    data = CACHE / "data"
    command = f"mkdir -p {data} && mount -t tmpfs -o ro none {data}"
    inside = ["nsenter", f"--target={node.pids()[-1]}", "--mount", "--", "sh", "-c", command]
    subprocess.run(inside, check=True, capture_output=True)


def test_a_machine_that_can_keep_no_data_is_given_up_and_named(home, driver, cluster):
    there: Driver = driver("no-room")
    here: Workspace = home("local-too")
    node = cluster.add()
    cluster.wait()
    make_read_only(node)
    local, answer = answer_of(here.start(*WORDS)), answer_of(there.start(*WORDS))
    cluster.nodes.remove(node)
    node.kill()

    assert (local.code, answer.code) == (0, 0), (local, answer)
    assert answer.err.count("\n") == answer.err.count(" is not used any more: ") == 1, answer.err
    assert "read-only file system" in answer.err
    assert numbers(there.home.results()) == numbers(here.results())
