"""A study on a real Ray cluster has the trials of this machine's engine; a cluster without a token is refused."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.cluster.clusters import Cluster
from tests.cluster.conftest import Driver
from tests.conftest import answer_of

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full,
              pytest.mark.timeout(1800)]  # fmt: skip
WORDS = ("tune", "mlp", "--data", "digits", "--epochs", "2", "--trials", "24", "--seeds", "2", "--fresh-seeds", "3",
         "--no-report")  # fmt: skip


def trials(home):
    """Number, values, state and results of each trial, and what the fresh seeds said, but for the time."""
    [path] = home.home.glob("mlruns/studies/*.json")
    facts = json.loads(path.read_text())
    kept = ("number", "values", "state", "results", "reports")
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in facts["outcome"]["rows"]]
    return [{name: one.get(name) for name in kept} for one in facts["trials"]], rows


def test_a_study_of_24_trials_is_the_one_of_this_machine(home, driver):
    here, there = home("local"), driver("there")
    local, answer = here.suite(*WORDS), there.suite(*WORDS)

    assert (local.code, answer.code) == (0, 0), (local, answer)
    assert trials(there.home) == trials(here)


def test_a_lost_head_is_one_line_and_the_command_can_be_given_again(home, places):
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    first = Cluster(folder, [places])
    try:
        first.add()
        first.wait()
        there = Driver(first, home("head"))
        command = there.start("run", "slow", "--epochs", "8", "--seeds", "2", "--no-report")
        for line in command.stdout:
            if "epoch 2/8" in line:
                break
        first.head.kill()
        answer = answer_of(command)
    finally:
        first.stop()

    assert answer.code == 3, answer
    assert answer.err == "suite: the head of the Ray cluster is lost. Start it, and run the same command again.\n"
    assert there.home.suite("run", "slow", "--epochs", "8", "--seeds", "2", "--no-report").code == 0


def test_a_cluster_that_asks_for_no_token_is_refused_unless_that_is_allowed(home, places):
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    open_to_all = Cluster(folder, [places], token=None)
    try:
        open_to_all.add()
        open_to_all.wait()
        there = Driver(open_to_all, home("open"))
        refused = there.suite("run", "slow", "--epochs", "1", "--seeds", "1", "--no-report")
        allowed = there.suite("run", "slow", "--epochs", "1", "--seeds", "1", "--no-report", "--allow-unauthenticated")
    finally:
        open_to_all.stop()

    assert (refused.code, allowed.code) == (2, 0), (refused, allowed)
    assert "asks for no token" in refused.err
    assert refused.err.count("\n") == 1
