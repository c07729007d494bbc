"""Runs on a real Ray cluster: the folders are those of this machine's engine, whatever becomes of a node."""

from pathlib import Path

import pytest

from tests.cluster.conftest import SECRET

pytestmark = [pytest.mark.cluster, pytest.mark.commands]
WORDS = ("run", "mlp", "slow", "--data", "digits", "--epochs", "3", "--seeds", "1", "--no-report")
EQUAL = ("weights_sha256", "predictions_sha256", "metrics")


def numbers(results):
    return {name: {key: found[key] for key in EQUAL} for name, found in results.items()}


def names(home):
    """All files of the run folders."""
    runs = home.home / "mlruns" / "runs"
    return sorted(str(path.relative_to(runs)) for path in runs.rglob("*"))


@pytest.fixture(scope="module")
def local(home):
    """What this machine's engine makes of the same command."""
    here = home("local")
    answer = here.suite(*WORDS)
    assert answer.code == 0, answer.err
    return here


def test_runs_have_the_same_numbers_and_files_as_here_and_one_is_trained_twice(local, driver):
    there = driver("there")
    answer = there.suite(*WORDS)

    assert answer.code == 0, answer
    assert numbers(there.home.results()) == numbers(local.results())
    assert names(there.home) == names(local)
    assert "was trained twice, on two machines: the same numbers, bit for bit." in answer.out
    assert answer.err == ""  # of Ray nothing is seen
    _require_no_secrets(there)


def _require_no_secrets(there):
    """What the run printed of its environment has no secret, no token and no path of the driver."""
    [log] = there.home.home.glob("mlruns/runs/slow/*/output.log")
    told = log.read_text()
    assert "OMP_NUM_THREADS" in told
    for word in (SECRET, there.cluster.token, str(there.home.home), "MLFLOW_", "SUITE_"):
        assert word not in told


@pytest.mark.promise
@pytest.mark.full
def test_a_node_that_is_lost_costs_the_epochs_since_its_last_event_and_changes_no_number(local, driver, cluster):
    there = driver("lost")
    command = there.start(*WORDS)
    for line in command.stdout:
        if line.startswith("slow-s0  epoch 1/3"):
            break
    [node] = [one for one in cluster.nodes if any("forkserver" in word for word in commands_of(one))][:1]
    node.kill()
    out, err = command.communicate(timeout=200)

    assert command.returncode == 0, (out, err)
    assert "raylet" not in out + err
    assert numbers(there.home.results()) == numbers(local.results())


def commands_of(node):
    """The command lines of all processes of a node."""
    for pid in node.pids():
        try:
            yield Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
