"""Cores, memory and GPUs for each run: a real Ray cluster keeps to them, and so does a real Slurm."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from suite.execute.share import UNITS
from tests.cluster.clusters import Cluster, can_unshare
from tests.cluster.conftest import Driver
from tests.cluster.slurm import started_slurm, wait_until
from tests.cluster.telling import JOBS
from tests.cluster.test_slurm import epochs
from tests.conftest import ROOT, Workspace, answer_of, assert_refused, plain_environment

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full]

G, M = UNITS["G"], UNITS["M"]
DRIVER = "from tests.cluster.telling import main; main()"
SHORT = ("run", "slow", "--set", "epochs=2", "--seeds", "2", "--no-report")


@pytest.fixture(scope="module")
def cluster(places):
    """A head, a node with four cores and two GPUs that are pretended, and one with a core and more memory."""
    if not can_unshare():
        pytest.skip("this user may not make namespaces, so nodes cannot be told apart")
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    made = Cluster(folder, [places])
    try:
        made.add(4, f"--memory={G}", "--num-gpus=2")
        made.add(1, f"--memory={2 * G}")
        made.wait()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def most_at_once(told):
    """The most jobs that were done at one time."""
    return max(sum(one["begin"] <= other["begin"] < one["end"] for one in told) for other in told)


def test_ray_keeps_to_cores_memory_and_gpus(cluster):
    shares = [{"cores": 2}, {"memory": 400 * M}, {"gpus": 1}, {"gpus": 0.5}]
    command = [*cluster.inside, sys.executable, "-c", DRIVER, cluster.address, json.dumps(shares)]
    environment = {**plain_environment(), **cluster.environment}
    out = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    cores, memory, whole, half = json.loads(out)

    for found, places in ((cores, [0, 2]), (memory, [2, 1]), (whole, [0, 2]), (half, [0, 4])):
        assert len(found["told"]) == JOBS
        assert sorted(found["places"]) == sorted(one for one in places if one), found
        assert 1 < most_at_once(found["told"]) <= sum(places)
    for found, most in ((whole, 1), (half, 2)):
        devices = {one["gpu"] for one in found["told"]}
        assert devices == {"0", "1"}
        for device in devices:  # also where a process's server had begun with the other GPU
            assert most_at_once([one for one in found["told"] if one["gpu"] == device]) <= most


def test_more_than_any_machine_has_is_one_line_and_less_changes_no_number(cluster, home):
    there = Driver(cluster, home("there"))
    wrong = {
        "the most is 4 (": ("--cores-per-run", "5"),
        "--memory 3G: no machine of the cluster has so much, the most is 2G (": ("--memory", "3G"),
        "--cores-per-run 2 --memory 1.5G: no machine of the cluster has all of it (":
            ("--cores-per-run", "2", "--memory", "1.5G"),
    }  # fmt: skip
    refused = {words: there.suite(*SHORT, *asked) for words, asked in wrong.items()}
    answer = there.suite(*SHORT, "--cores-per-run", "4", "--memory", "900M")
    alone = home("alone")
    alone.suite(*SHORT)

    for words, one in refused.items():
        assert_refused(one, 2, words)
    assert answer.code == 0, answer
    assert weights(there.home) == weights(alone)


def weights(home):
    return {name: result["weights_sha256"] for name, result in home.results().items()}


@pytest.fixture(scope="module")
def slurm():
    """A node with two cores, 1000 MB and a GPU that is pretended, of which Slurm keeps account."""
    with tempfile.TemporaryDirectory(prefix="suite-slurm-") as folder:
        (Path(folder) / "gres.conf").write_text("Name=gpu Count=1 File=/dev/null\n")
        yield from started_slurm(Path(folder), parameters="CR_Core_Memory", node="RealMemory=1000 Gres=gpu:1")


def test_slurm_keeps_to_cores_and_memory_and_the_weights_are_the_same(slurm, workspace):
    there = Workspace(workspace.home, {**workspace.extra, **slurm.variables})
    here = Workspace(workspace.home.parent / "alone", workspace.extra)
    here.home.mkdir()
    command = there.start(*SHORT, "--engine", "slurm", "--cores-per-run", "2", "--memory", "300M")
    wait_until(lambda: epochs(there) >= 1, 400)
    tasks = slurm.do("squeue", "--noheader", "--array", "--format=%C %m")
    running, begun = slurm.tasks("RUNNING"), list(there.home.glob("mlruns/runs/*/*/output.log"))
    answer = answer_of(command)
    here.suite(*SHORT)

    assert {*tasks.splitlines()} == {"2 300M"}
    assert (len(running), len(begun)) == (1, 1)  # a task has its share for one run
    assert answer.code == 0, answer
    assert weights(there) == weights(here)


def test_slurm_gives_a_gpu_to_each_task(slurm, workspace):
    there = Workspace(workspace.home, {**workspace.extra, **slurm.variables, "SUITE_DEVICE": "cuda"})
    answer = there.suite(*SHORT[:-2], "1", "--no-report", "--engine", "slurm", "--gpus", "1")
    asked = slurm.do("squeue", "--noheader", "--array", "--states=all", "--format=%b").splitlines()

    assert {"gres/gpu:1", "gres:gpu:1"} & {*asked}, asked  # as newer and older Slurms write it
    assert answer.code == 3, answer  # a task had it, and torch has seen that it is no real one
    assert "torch" in answer.out + answer.err


@pytest.mark.parametrize(("asked", "words"), [
    (("--cores-per-run", "3"), "--cores-per-run 3: no machine of the cluster has so much, the most is 2 ("),
    (("--memory", "2G"), "--memory 2G: no machine of the cluster has so much, the most is 1000M ("),
    (("--gpus", "2"), "--gpus 2: no machine of the cluster has so much, the most is 1 ("),
    (("--gpus", "0.5"), "Slurm gives whole GPUs"),
    (("--memory", "1G", "--slurm-options", "mem=1G"), "'mem' says what --cores-per-run 1 --memory 1G says"),
])  # fmt: skip
def test_more_than_any_machine_of_slurm_has_is_one_line(asked, words, slurm, workspace, in_process):
    there = Workspace(workspace.home, {**workspace.extra, **slurm.variables, "SUITE_DEVICE": "cuda"})
    before = slurm.tasks()

    assert_refused(in_process(*SHORT, "--engine", "slurm", *asked, within=there), 2, words)
    assert slurm.tasks() == before  # nothing was submitted


def test_a_share_of_this_machine_and_a_gpu_for_the_processor_are_refused(workspace, in_process):
    assert_refused(in_process(*SHORT, "--memory", "1G", within=workspace), 2, "Give --engine ray or slurm too.")
    assert_refused(in_process(*SHORT, "--gpus", "1", "--engine", "ray", within=workspace), 2, "Set SUITE_DEVICE=cuda")
