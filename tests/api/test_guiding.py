"""`python -m suite` alone: what is there, and commands that make sense next."""

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from suite.api.guiding import SUITE, guide
from suite.api.session import Session
from tests.conftest import Workspace

pytestmark = pytest.mark.commands

TEXT = '''"""One layer."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr={rate}, batch_size=50, epochs=2)


def network(shape, classes):
    """Map images to scores."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''


@pytest.fixture(autouse=True)
def _at_home(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_HOME", str(workspace.home))


def state(workspace: Workspace) -> tuple[str, list[str]]:
    """What is said about the home, and the words of each next command."""
    said, steps = guide(Session.open(experiments=[Path(workspace.extra["SUITE_EXPERIMENTS"])]))
    return said, [step.command.removeprefix(f"{SUITE} ") for step in steps]


def test_a_new_home_begins_with_a_quick_run(workspace):
    said, commands = state(workspace)

    assert said == f"Nothing is trained yet in {workspace.home}."
    assert commands[0] == "run mlp"


def test_finished_runs_are_reported_compared_and_asked_and_an_interrupted_one_comes_first(workspace, in_process):
    own = Path(workspace.extra["SUITE_EXPERIMENTS"])
    for name, rate in (("brisk", 0.1), ("calm", 0.01)):
        (own / f"{name}.py").write_text(TEXT.format(rate=rate))
    words = ("run", "brisk", "calm", "--set", "epochs=1", "weight_decay=1e-05", "--seeds", "1", "--no-report")
    assert in_process(*words).code == 0

    changed = ["report", "run all", "ui", "predict brisk-s0 PICTURE.png", "new my_net --from brisk"]
    assert state(workspace) == (f"2 runs of 2 experiments finished in {workspace.home}.", changed)

    (calm,) = (path.parent for path in workspace.home.glob("mlruns/runs/calm/*/result.json"))
    weights = workspace.results()[f"calm/{calm.name}"]["weights_sha256"]
    (calm / "result.json").unlink()
    said, commands = state(workspace)
    assert said == f"1 run of 2 experiments finished in {workspace.home}, 1 run interrupted or in training."
    assert in_process(*shlex.split(commands[0]), "--no-report").code == 0
    assert workspace.results()[f"calm/{calm.name}"]["weights_sha256"] == weights

    assert in_process("run", "brisk", "calm", "--seeds", "1", "--no-report").code == 0
    assert state(workspace)[1][1] == "compare brisk calm"


def test_a_missing_verb_is_a_mistake_in_a_script_and_a_question_in_a_terminal(workspace):
    answer = workspace.suite()
    assert (answer.code, answer.out) == (2, "")
    assert "VERB" in answer.err

    ours, theirs = pty.openpty()
    command = subprocess.Popen([sys.executable, "-m", "suite"], env=workspace.environment, stdout=theirs)
    os.close(theirs)
    shown = b""
    while b"--help has all verbs" not in shown and command.poll() is None:
        shown += os.read(ours, 4096)
    assert command.wait() == 0
    assert b"run mlp" in shown
