"""Workers, nodes and drivers that end or hang at any moment: every run ends once, with the numbers of this machine."""

import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.cluster.test_runs import numbers
from tests.conftest import answer_of

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full,
              pytest.mark.timeout(1800)]  # fmt: skip
WORDS = ("run", "slow", "--data", "digits", "--epochs", "8", "--seeds", "3", "--no-report")
ROUNDS = 30


@pytest.fixture(scope="module")
def local(home):
    """What this machine's engine makes of the same command."""
    here = home("local")
    answer = here.suite(*WORDS)
    assert answer.code == 0, answer.err
    return numbers(here.results())


def until(command, words):
    """Read a command's lines until one has these words."""
    for line in command.stdout:
        if words in line:
            return
    raise AssertionError(command.stderr.read())


def moment(chance):
    """Words of a line after which something happens."""
    return f"slow-s{chance.randrange(2)}  epoch {chance.randrange(1, 9)}/8"


def workers_of(node):
    """The processes of a node that work for a driver: Ray's own, fork servers, and the trainings."""
    found = []
    for pid in node.pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        found += [pid] if words.startswith("ray::") or "multiprocessing" in words else []
    return [pid for pid in found if pid != node.process.pid]


def recorded(home):
    """The names of the runs in MLflow's database, without the one that stands for all seeds together."""
    with sqlite3.connect(home.home / "mlruns" / "mlflow.db") as database:
        names = database.execute("select name from runs where lifecycle_stage = 'active' and name like 'slow-s_'")
        found = sorted(name for (name,) in names)
    database.close()
    return found


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whatever_is_killed_every_run_ends_once_with_the_same_numbers(seed, local, driver, cluster):
    chance = random.Random(seed)
    there, what = driver(f"round{seed}"), ("node", "worker", "driver")[seed % 3]
    command = there.start(*WORDS)
    until(command, moment(chance))
    if what == "driver":
        os.killpg(command.pid, signal.SIGKILL)
        answer_of(command)
        command = there.start(*WORDS)
    elif what == "node":
        cluster.nodes.pop(chance.randrange(len(cluster.nodes))).kill()
        cluster.add()
    elif found := workers_of(chance.choice(cluster.nodes)):
        os.kill(chance.choice(found), signal.SIGKILL)
    answer = answer_of(command)

    assert answer.code == 0, (what, answer)
    assert "raylet" not in answer.out + answer.err
    assert numbers(there.home.results()) == local
    assert recorded(there.home) == ["slow-s0", "slow-s1", "slow-s2"]


def test_a_node_that_hangs_is_given_up(local, driver, cluster):
    there = driver("hang")
    command = there.start(*WORDS)
    until(command, "epoch 2/8")
    node = cluster.nodes.pop()
    node.send(signal.SIGSTOP)
    answer = answer_of(command)
    node.send(signal.SIGCONT)
    node.kill()
    cluster.add()

    assert answer.code == 0, answer
    assert numbers(there.home.results()) == local


def test_ctrl_c_ends_the_command_and_the_same_command_continues(local, driver):
    there = driver("interrupt")
    command = there.start(*WORDS)
    until(command, "epoch 2/8")
    os.killpg(command.pid, signal.SIGINT)
    first = answer_of(command)
    second = there.suite(*WORDS)

    assert (first.code, second.code) == (130, 0), (first, second)
    assert "interrupted; finished work is kept" in first.err
    assert numbers(there.home.results()) == local
