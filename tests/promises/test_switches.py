"""Check 29: a global switch set by another file changes nothing. A file that sets one has its own run refused."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Workspace
from tests.promises.conftest import Bench, Check, last
from tests.promises.foreign import LINES, MOVING

pytestmark = pytest.mark.promise
TITLE = "foreign global state: a neighbour's changes nothing, one's own is refused by name"

FILE = '''"""A small convolution and a linear layer."""

import os

import torch

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=100, epochs=1)


def change():
    """Change a global switch."""
    {line}


{at_import}


def final():
    """Whether this is the evaluation after the last epoch."""
    import inspect

    return any(frame.function == "_finish" for frame in inspect.stack(0))


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    class Last(nn.Linear):
        """A linear layer during whose training something may happen."""

        def forward(self, pixels):
            if self.training:
                {in_forward}
                if len(pixels) > 4:  # more than the rehearsal before the training has
                    {in_a_later_step}
            elif final():
                {in_evaluation}
            return super().forward(pixels)

    {in_network}
    return nn.Sequential(nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Flatten(), Last(1152, 10))
'''
PLACES = {
    "at_import": "its import", "in_network": "network()", "in_forward": "the network's forward()",
    "in_a_later_step": "the network's forward()", "in_evaluation": "the network's forward()",
}  # fmt: skip
COMMAND = """
import json, sys
from pathlib import Path
from suite.recipe import registry
from suite.runs.plan import plan
from suite.runs.training import train
from suite.runs.worker import local_processes

own, data, home, *names = sys.argv[1:]
planned = plan(registry.load([Path(own)]).choose(names), [0], Path(home))
for _ in train(planned, local_processes(2), lambda _: Path(data), (Path(own),)):
    pass
print(json.dumps([item.facts() for item in planned]))
"""  # the same as `run`, without MLflow


def write(folder: Path, name: str, line: str = "pass", place: str = "") -> Path:
    """Write an experiment that changes a switch at one place, or nowhere."""
    path = folder / f"{name}.py"
    places = {one: "change()" if one == place else "pass" for one in PLACES}
    path.write_text(FILE.format(line=line.strip("\n").replace("\n", "\n    "), **places))
    return path


@pytest.fixture
def mine(bench: Bench, tmp_path: Path) -> Bench:
    """A bench with the experiment `mine`, which changes no switch."""
    own = tmp_path / "mine"
    own.mkdir()
    write(own, "mine")
    return Bench(own, bench.data, bench.top)


def alone(mine: Bench) -> str:
    """The hash of the weights of `mine`, trained without any other file."""
    run = mine.run("mine", mine.home("alone"))
    (events,) = mine.work([mine.job(run)])
    done = last(events, "done")
    assert done, events
    return str(done["result"]["weights_sha256"])


def assert_refused_by_name(reason: str, path: Path, place: str, word: str) -> None:
    assert reason.startswith(f"{path}: {PLACES[place]} changes "), reason
    assert word in reason
    assert reason.isprintable()


def command(mine: Bench, program: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Run a program (`COMMAND`, or a script that ends with it). Returns what it prints about each experiment's run."""
    home = tempfile.mkdtemp(dir=mine.top)
    words = [sys.executable, *program, str(mine.own), str(mine.data), home, *names]
    done = subprocess.run(words, env=Workspace(mine.top).environment, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return {one["experiment"]: one for one in json.loads(done.stdout)}


@pytest.mark.full
@pytest.mark.check(29, TITLE)
def test_a_neighbours_switch_changes_no_weights_and_its_own_run_is_refused(check: Check, mine: Bench) -> None:
    """One process loads all requested files and starts the workers. A short run tests several files together."""
    for name, (line, _) in LINES.items():
        write(mine.own, name, line, "at_import")
    companies = [[name] for name in LINES] if check.full else [list(LINES)[::5]]
    expected = alone(mine)

    for names in companies:
        with check.case(len(names)):
            runs = command(mine, ["-c", COMMAND], [*names, "mine"])

            assert runs["mine"]["weights_sha256"] == expected
            for name in names:
                assert runs[name]["status"] == "failed"
                assert_refused_by_name(runs[name]["reason"], mine.own / f"{name}.py", "at_import", LINES[name][1])


# An evaluation runs in torch's inference mode. When that ends, it restores these switches.
RESTORED = ("no_grad", "inference", "autocast", "with_autocast")


@pytest.mark.check(29, TITLE)
@pytest.mark.parametrize("place", ["in_network", "in_forward", "in_a_later_step", "in_evaluation"])
def test_a_switch_that_the_network_changes_is_refused_and_leaves_no_result(
    place: str, check: Check, mine: Bench
) -> None:
    names = [name for name in LINES if place != "in_evaluation" or name not in RESTORED][:: 1 if check.full else 8]
    for name in names:
        write(mine.own, name, LINES[name][0], place)
    runs = {name: mine.run(name, mine.home(name)) for name in names}

    answers = mine.work([mine.job(run) for run in runs.values()])

    for events, (name, run) in zip(answers, runs.items(), strict=True):
        with check.case():
            refused = last(events, "failed")
            assert refused, (name, events)
            assert refused["code"] == 2
            assert_refused_by_name(refused["reason"], mine.own / f"{name}.py", place, LINES[name][1])
            assert not (run.folder / "result.json").exists()
            assert run.checkpoint.exists() == (place == "in_evaluation")  # the epoch before was good and is kept


SCRIPTED = [name for name, (line, _) in MOVING.items() if "environ" not in line]  # the user may choose those
KEPT = ("inference",)  # the suite cannot undo this one, so it refuses the run


@pytest.mark.full
@pytest.mark.check(29, TITLE)
@pytest.mark.parametrize("name", SCRIPTED)
def test_a_switch_that_the_callers_script_sets_changes_no_weights(name: str, check: Check, mine: Bench) -> None:
    """Python runs the caller's script again in every worker, except the part below `if __name__ == "__main__":`."""
    script = mine.top / "script.py"
    guarded = COMMAND.strip().replace("\n", "\n    ")
    script.write_text(f'import os, torch\n{MOVING[name][0]}\nif __name__ == "__main__":\n    {guarded}\n')
    expected = alone(mine)

    with check.case():
        done = command(mine, [str(script)], ["mine"])

        if name in KEPT:
            assert done["mine"]["reason"].startswith("torch.inference_mode is True in the process that trains")
        else:
            assert done["mine"]["weights_sha256"] == expected, done
