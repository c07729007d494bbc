"""Runs trained by tasks of a real Slurm: the same bits as here, whatever becomes of tasks and of the command."""

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import suite
from suite.data import ensure
from suite.recipe import registry
from suite.runs.events import Failed
from suite.runs.plan import plan
from suite.runs.training import train
from suite.runs.worker import local_processes
from tests.cli.test_tune import the_same_in_every_command
from tests.cluster.slurm import NODE, Cluster, started_slurm, wait_until
from tests.conftest import SLOW, Answer, Command, Workspace, answer_of, assert_refused
from tests.tables import SEED

pytestmark = [pytest.mark.cluster, pytest.mark.commands]

EPOCHS = 12
LONG = ("run", "slow", "--set", f"epochs={EPOCHS}", "--seeds", "2", "--no-report")
SECRETS = {"MLFLOW_TRACKING_PASSWORD": "hush-7-hush", "SUITE_STUDY_STORAGE": "postgresql://me:hush-8-hush@nowhere/x"}
SPY = """import json, os, time

    if "SLURM_JOB_ID" in os.environ and not os.path.exists("told.json"):
        with open("told.json", "w") as file:
            json.dump(dict(os.environ), file)
"""


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="suite-slurm-") as folder:  # a short path: there is a socket in it
        yield from started_slurm(Path(folder))


@pytest.fixture
def there(slurm: Cluster, workspace: Workspace) -> Workspace:
    """A home whose commands find the cluster, with an experiment that tells what its tasks have in the environment."""
    (Path(workspace.extra["SUITE_EXPERIMENTS"]) / "slow.py").write_text(SLOW.replace("import time\n", SPY))
    return Workspace(workspace.home, {**workspace.extra, **slurm.variables, **SECRETS})


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The weights of the runs trained by this machine itself, by run folder."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "slow.py").write_text(SLOW.replace("import time\n", SPY))
    slow = registry.load([folder]).choose(["slow"])[0].changed({"epochs": EPOCHS})
    planned = plan([slow], range(2), folder / "runs")
    with closing(train(planned, local_processes(2), lambda _: ensure("digits", say=print), (folder,))) as events:
        assert [item for item, event in events if isinstance(event, Failed)] == []
    return {f"slow/{item.run.folder.name}": item.result["weights_sha256"] for item in planned if item.result}


def weights(workspace: Workspace) -> dict[str, str]:
    return {name: result["weights_sha256"] for name, result in workspace.results().items()}


def epochs(workspace: Workspace) -> int:
    """How many epochs all runs have together."""
    return sum(path.read_bytes().count(b"\n") for path in workspace.home.glob("mlruns/runs/*/*/history.jsonl"))


def pools(workspace: Workspace) -> list[Path]:
    return [path for path in (workspace.home / "mlruns" / "slurm").iterdir() if path.is_dir()]


def test_runs_have_the_bits_of_this_machine_though_a_task_is_put_back_into_the_queue(slurm, there, alone):
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 4)
    first = slurm.tasks("RUNNING")[0]

    slurm.do("scontrol", "requeue", first)
    answer = answer_of(command)

    assert answer.code == 0, answer
    assert weights(there) == alone
    assert pools(there) == []
    assert slurm.tasks("PENDING", "RUNNING") == []
    assert_no_secret_went_along(slurm, there, answer)


def assert_no_secret_went_along(slurm: Cluster, there: Workspace, answer: Answer) -> None:
    environment = json.loads((there.home / "told.json").read_text())
    assert environment["OMP_NUM_THREADS"] == "1"
    assert not {*SECRETS} & {*environment}
    assert "hush" not in json.dumps(environment) + answer.out + answer.err
    files = [path for place in (slurm.folder, there.home) for path in place.rglob("*") if path.is_file()]
    assert [path for path in files if b"hush" in path.read_bytes()] == []


@pytest.mark.promise
@pytest.mark.full
def test_a_command_that_was_killed_and_is_given_again_hears_the_tasks_that_went_on(slurm, there, alone):
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
def test_cancelled_tasks_end_the_command_and_the_next_one_continues(slurm, there, alone):
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 4)

    slurm.do("scancel", slurm.tasks("RUNNING")[0].partition("_")[0])
    answer = answer_of(command)
    done = epochs(there)
    again = there.suite(*LONG, "--engine", "slurm")

    assert answer.code == 1, answer
    assert "its process was ended by SIGTERM; run the same command again to continue" in answer.out
    assert 4 <= done < 2 * EPOCHS
    assert again.code == 0, again
    assert weights(there) == alone


@pytest.mark.promise
@pytest.mark.full
def test_a_command_that_is_interrupted_ends_its_tasks(slurm, there):
    command = there.start(*LONG, "--engine", "slurm")
    wait_until(lambda: epochs(there) >= 2)

    os.kill(command.pid, signal.SIGINT)
    answer = answer_of(command)

    assert answer.code == 130, answer
    assert slurm.tasks("PENDING", "RUNNING") == []
    assert pools(there) == []


@pytest.mark.promise
@pytest.mark.full
def test_a_machine_that_computes_other_numbers_gets_no_run(there, monkeypatch):
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


def test_what_slurm_refuses_is_one_line(there, in_process: Command):
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


@pytest.mark.promise
@pytest.mark.full
def test_a_time_limit_costs_at_most_an_epoch(there):
    """Slurm's shortest limit is a minute, and its signal comes a minute before the end: tasks live for seconds."""
    words = ("run", "slow", "--set", "epochs=200", "--seeds", "1", "--no-report")
    (there.home.parent / "alone").mkdir()
    here = Workspace(there.home.parent / "alone", {**there.extra})

    answers = [here.suite(*words), there.suite(*words, "--engine", "slurm", "--slurm-options", "time=2")]

    assert [answer.code for answer in answers] == [0, 0], answers
    assert weights(there) == weights(here)
    assert answers[1].out.count("Slurm: array") > 1


@pytest.mark.promise
@pytest.mark.full
def test_a_study_has_the_trials_of_this_machine_and_its_runs_are_verified(workspace, slurm):
    there = Workspace(workspace.home, {**workspace.extra, **slurm.variables})
    here = Workspace(workspace.home.parent / "alone", workspace.extra)
    here.home.mkdir()
    engine = ("--engine", "slurm", "--workers", "2")
    words = ("tune", "slow", "--epochs", "2", "--trials", "8", "--seeds", "2", "--fresh-seeds", "3", "--no-report")

    answers = [here.suite(*words), there.suite(*words, *engine)]
    trained = there.suite("run", "slow", "--epochs", "1", "--no-report", *engine)
    verified = there.suite("verify", "all", *engine)

    assert [answer.code for answer in (*answers, trained, verified)] == [0, 0, 0, 0], (answers, trained, verified)
    studies = [json.loads(next(home.home.glob("mlruns/studies/*.json")).read_text()) for home in (here, there)]
    assert the_same_in_every_command(studies[0]) == the_same_in_every_command(studies[1])
    assert verified.out.count(": identical: ") >= 3
    assert pools(there) == []


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.parametrize("number", range(10))
def test_whatever_is_struck_at_any_time_the_runs_have_the_same_bits(slurm, there, alone, number):
    chance = random.Random(f"{SEED}/{number}")
    codes: list[int] = []
    while not codes or (codes[-1] != 0 and len(codes) < 8):
        command = there.start(*LONG, "--engine", "slurm")
        if len(codes) < 4:
            strike(slurm, command.pid, chance)
        codes.append(answer_of(command).code)

    assert codes[-1] == 0, codes
    assert weights(there) == alone
    assert pools(there) == []


def strike(slurm: Cluster, command: int, chance: random.Random) -> None:
    """After some seconds kill the command, a process of a task or a task, or let Slurm put it back or cancel all."""
    time.sleep(chance.uniform(1, 20))
    running = slurm.tasks("RUNNING")
    kind = chance.choice(["command", "process", "task", "requeue", "cancel"])
    if kind == "command":
        os.kill(command, signal.SIGKILL)
    elif kind == "process":
        for process in chance.sample(found := processes_of_tasks(), min(1, len(found))):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    elif running:
        task = chance.choice(running)
        words = {"task": ("scancel", "--full", "--signal=KILL", task), "requeue": ("scontrol", "requeue", task)}
        with suppress(subprocess.CalledProcessError):  # it has ended meanwhile
            slurm.do(*words.get(kind, ("scancel", task.partition("_")[0])))


def processes_of_tasks() -> list[int]:
    """The processes of this machine that a task of the test's cluster started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if b"SLURM_ARRAY_TASK_ID=" in path.read_bytes() and b"python" in (path.parent / "cmdline").read_bytes():
                found.append(int(path.parent.name))
    return found
