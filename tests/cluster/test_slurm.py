"""Runs trained by tasks of a real Slurm: the same bits as here, whatever becomes of tasks and of the command."""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import suite
from tests.cluster.slurm import NODE, Cluster, started_slurm, wait_until
from tests.conftest import Command, Workspace, answer_of, assert_refused

pytestmark = [pytest.mark.cluster, pytest.mark.commands]

LONG = ("run", "slow", "--set", "epochs=16", "--seeds", "2", "--no-report")
SECRETS = {"MLFLOW_TRACKING_PASSWORD": "hush-7-hush", "SUITE_STUDY_STORAGE": "postgresql://me:hush-8-hush@nowhere/x"}


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="suite-slurm-") as folder:  # a short path: there is a socket in it
        yield from started_slurm(Path(folder))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The weights of the runs trained by this machine itself, by run folder."""
    from tests.conftest import SLOW

    folder = tmp_path_factory.mktemp("alone")
    for name in ("home", "own"):
        (folder / name).mkdir()
    (folder / "own" / "slow.py").write_text(SLOW)
    here = Workspace(folder / "home", {"SUITE_EXPERIMENTS": str(folder / "own")})
    assert here.suite(*LONG).code == 0
    return weights(here)


def weights(workspace: Workspace) -> dict[str, str]:
    return {name: result["weights_sha256"] for name, result in workspace.results().items()}


def on(slurm: Cluster, workspace: Workspace, **extra: str) -> Workspace:
    return Workspace(workspace.home, {**workspace.extra, **slurm.variables, **extra})


def epochs(workspace: Workspace) -> int:
    """How many epochs all runs have together."""
    return sum(path.read_bytes().count(b"\n") for path in workspace.home.glob("mlruns/runs/*/*/history.jsonl"))


def pools(workspace: Workspace) -> list[Path]:
    return [path for path in (workspace.home / "mlruns" / "slurm").iterdir() if path.is_dir()]


def test_runs_have_the_bits_of_this_machine_though_a_task_is_put_back_into_the_queue(slurm, workspace, alone):
    there = on(slurm, workspace)
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 4)
    first = slurm.tasks("RUNNING")[0]

    slurm.do("scontrol", "requeue", first)
    answer = answer_of(command)

    assert answer.code == 0, answer
    assert weights(there) == alone
    assert pools(there) == []
    assert slurm.tasks("PENDING", "RUNNING") == []


@pytest.mark.promise
@pytest.mark.full
def test_a_command_that_was_killed_and_is_given_again_hears_the_tasks_that_went_on(slurm, workspace, alone):
    there = on(slurm, workspace)
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 4)
    before = slurm.tasks("RUNNING", "PENDING")

    os.kill(command.pid, signal.SIGKILL)
    answer_of(command)
    again = there.suite(*LONG, "--engine", "slurm")

    assert again.code == 0, again
    assert "Slurm: array" not in again.out  # none was submitted
    assert {*slurm.tasks()} >= {*before}
    assert weights(there) == alone
    assert pools(there) == []


@pytest.mark.promise
@pytest.mark.full
def test_cancelled_tasks_end_the_command_and_the_next_one_continues(slurm, workspace, alone):
    there = on(slurm, workspace)
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 4)

    slurm.do("scancel", slurm.tasks("RUNNING")[0].partition("_")[0])
    answer = answer_of(command)
    done = epochs(there)
    again = there.suite(*LONG, "--engine", "slurm")

    assert answer.code == 1, answer
    assert "its process was ended by SIGTERM; run the same command again to continue" in answer.out
    assert 4 <= done < 32
    assert again.code == 0, again
    assert weights(there) == alone


@pytest.mark.promise
@pytest.mark.full
def test_a_command_that_is_interrupted_ends_its_tasks(slurm, workspace):
    there = on(slurm, workspace)
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 2)

    os.kill(command.pid, signal.SIGINT)
    answer = answer_of(command)

    assert answer.code == 130, answer
    assert slurm.tasks("PENDING", "RUNNING") == []
    assert pools(there) == []


def test_a_task_gets_no_secret_of_the_command(slurm, workspace):
    spy = Path(workspace.extra["SUITE_EXPERIMENTS"]) / "spy.py"
    told = workspace.home / "told.json"
    text = (
        (spy.parent / "slow.py")
        .read_text()
        .replace(
            "import time",
            f"""import json, os, time
    if "SLURM_JOB_ID" in os.environ:
        with open({str(told)!r}, "w") as file:
            json.dump(dict(os.environ), file)""",
        )
    )
    spy.write_text(text)

    answer = on(slurm, workspace, **SECRETS).suite(
        "run", "spy", "--seeds", "1", "--epochs", "1", "--no-report", "--engine", "slurm"
    )
    environment = json.loads(told.read_text())

    assert answer.code == 0, answer
    assert not {*SECRETS} & {*environment}
    assert "hush" not in json.dumps(environment)
    assert environment["OMP_NUM_THREADS"] == "1"
    spool = [path for path in slurm.folder.rglob("*") if path.is_file() and b"hush" in path.read_bytes()]
    assert spool == []


def test_a_machine_that_computes_other_numbers_gets_no_run(slurm, workspace, monkeypatch):
    there = on(slurm, workspace)
    for name, value in there.environment.items():
        monkeypatch.setenv(name, value)
    warned: list[str] = []
    session = suite.Session.open(experiments=[Path(there.extra["SUITE_EXPERIMENTS"])], engine="slurm", progress=False)
    session.cluster.warn = warned.append
    session.cluster.computed = {"node": "n1", "torch": "00000000", "kernels": "00000000"}

    with pytest.raises(suite.SuiteError, match="configuration is not available") as refused:
        suite.run("slow", seeds=1, report=False, session=session)

    assert refused.value.code == 3
    assert warned[0].startswith(f"{NODE} computes other numbers than n1 (torch, kernels) and got no run.")
    assert weights(there) == {}


def test_what_slurm_refuses_is_one_line(slurm, workspace, in_process: Command):
    there = on(slurm, workspace)
    words = ("run", "slow", "--seeds", "1", "--json", "--engine", "slurm", "--slurm-options")

    wrong = [in_process(*words, one, within=there) for one in ("wrap=ls", "--wait --outp=x", "my.script", "time='")]
    refused = in_process(*words, "partition=nowhere", within=there)

    for answer in wrong:
        assert_refused(answer, 2, "--slurm-options")
    assert (refused.code, refused.out) == (3, ""), refused
    assert refused.err.splitlines()[1].startswith("suite: Slurm: sbatch: invalid partition specified: nowhere;")


def test_a_machine_without_slurm_says_so(workspace, in_process: Command):
    nowhere = Workspace(workspace.home, {**workspace.extra, "PATH": "/nonexistent"})

    answer = in_process("run", "slow", "--seeds", "1", "--engine", "slurm", within=nowhere)

    assert_refused(answer, 3, "Slurm: there is no sbatch in PATH")
