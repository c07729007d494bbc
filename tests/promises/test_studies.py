"""Check 17: studies are killed at random moments and at each step of storing. Their trials equal the undisturbed ones.

Half of the studies continue with one worker and half with two. The undisturbed studies have two.
"""

import json
import os
import random
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from tests.conftest import Workspace, in_full
from tests.promises.lives import wait

pytestmark = [pytest.mark.promise, pytest.mark.timeout(3600)]

SAMPLERS = ("tpe", "random")
TRIALS, FEW = 20, 8  # with -m promise; otherwise


@dataclass
class Life:
    """A home in which one study is killed several times."""

    workspace: Workspace
    number: int
    trials: int
    kills: int = 0
    landed: int = 0  # kills that came while a trial was running
    epochs: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"study{self.number}"

    @property
    def command(self) -> tuple[str, ...]:
        return command_of(self.number, self.trials, workers=1 + self.number % 2)


IN_COLOUR = 100  # studies with this number or a higher one search arguments of a network, on a data set in colour


def command_of(number, trials, *, workers):
    """The command for study number `number`. The number decides sampler, search space and name."""
    return (
        "tune", "colour" if number >= IN_COLOUR else "plain",
        "--epochs", "2", "--trials", str(trials), "--seeds", "2", "--fresh-seeds", "3",
        "--study", f"study{number}", "--study-seed", str(number), "--sampler", SAMPLERS[number // 2 % 2],
        "--workers", str(workers), "--space", *(WIDE if number >= IN_COLOUR else PLAIN),
    )  # fmt: skip


PLAIN, WIDE = ("lr=1e-3..1", "batch_size=32..256"), ("width=2..16", "dropout=0..0.6", "power=1..3", "lr=1e-3..0.1")


def list_of(workspace, name):
    """All facts about the trials of a study that must be the same each time, and the best trial."""
    facts = json.loads((workspace.home / "mlruns" / "studies" / f"{name}.json").read_text())
    kept = ("number", "values", "state", "results", "reports", "accuracies")
    trials = [{key: trial[key] for key in kept} for trial in facts["trials"]]
    return trials, facts["outcome"]["rows"][0]["trial"], facts["outcome"]["verdict"]


def stored(workspace):
    """(number, state) of every trial in the database. The database may be older or newer than the JSON document."""
    path = workspace.home / "mlruns" / "studies" / "studies.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return database.execute("SELECT number, state FROM trials ORDER BY study_id, number").fetchall()


def trained(workspace):
    """How many epochs are stored in the folders of all trials."""
    return sum(len(path.read_text().splitlines()) for path in workspace.home.glob("mlruns/trials/*/*/history.jsonl"))


def killed_after(life, seconds, *, training):
    """Start or continue the study and kill all its processes with `kill -9`. Returns False if it had ended before.

    `seconds` count from the first new epoch, or from the start of the command.
    """
    before = trained(life.workspace)
    process = life.workspace.start(*life.command)
    if not training or wait(lambda: trained(life.workspace) > before, process):
        time.sleep(seconds)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert alive or process.returncode == 0, (out, err)
    return alive


def break_it(life, kills, chance):
    """Kill the study up to `kills` times, then let it finish."""
    for _ in range(kills):
        before, epochs = stored(life.workspace), trained(life.workspace)
        training = chance.random() < 0.8
        if not killed_after(life, chance.uniform(0, (0.1 if training else 0.4) * life.trials), training=training):
            break
        after = stored(life.workspace)
        ended = [one for one in before if one[1] != "RUNNING"]
        assert [one for one in after if one in ended] == ended, "nothing that was told is taken back"
        assert trained(life.workspace) >= epochs, "nothing that was trained is gone"
        life.kills += 1
        life.landed += any(state == "RUNNING" for _, state in after)
    finish(life.workspace, life.command)
    return life


def finish(workspace, command):
    """Let the command finish; nobody looks at its report."""
    process = workspace.start(*command, "--no-report")
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, (out, err)


def assert_whole(workspace, name, expected):
    trials = len(expected[0])
    assert list_of(workspace, name) == expected
    assert [number for number, _ in stored(workspace)] == list(range(trials))
    assert "RUNNING" not in {state for _, state in stored(workspace)}
    values = [repr(trial["values"]) for trial in expected[0]]
    assert len(set(values)) == trials, "no point was asked for twice"
    assert list((workspace.home / "mlruns" / "studies").glob(".*.tmp")) == []


@pytest.fixture(scope="module")
def trials(pytestconfig):
    """The number of trials of a study."""
    return TRIALS if in_full(pytestconfig) else FEW


@pytest.fixture(scope="module")
def unbroken(own, colours, trials, tmp_path_factory):
    """Gives the result of a study, by its number, when it is not disturbed. Each is made only once."""
    known = {}

    def list_once(number):
        if number not in known:
            workspace = Workspace(tmp_path_factory.mktemp("unbroken"), {"SUITE_EXPERIMENTS": f"{own}:{colours.own}"})
            finish(workspace, command_of(number, trials, workers=2))
            known[number] = list_of(workspace, f"study{number}")
        return known[number]

    return list_once


@pytest.mark.check(17, "a killed study is the unbroken one")
@pytest.mark.parametrize(
    ("first", "studies", "wanted"), [(0, 8, 40), pytest.param(IN_COLOUR, 2, 10, marks=pytest.mark.full)]
)
def test_a_study_killed_at_random_is_the_unbroken_one(
    check, chance, commands, own, colours, trials, unbroken, first, studies, wanted
):
    wanted, numbers = check.times(wanted, 3), range(first, first + check.times(studies, 1))
    studies, both = len(numbers), f"{own}:{colours.own}"
    lives = [Life(commands(f"life{number}", SUITE_EXPERIMENTS=both), number, trials) for number in numbers]

    with ThreadPoolExecutor(2) as two:
        expected = list(two.map(unbroken, numbers))
        chances = [random.Random(chance.random()) for _ in lives]
        list(two.map(break_it, lives, [wanted // studies] * studies, chances))

    for life in lives:
        with check.case(life.kills):
            assert_whole(life.workspace, life.name, expected[life.number - first])
    kills, landed = sum(life.kills for life in lives), sum(life.landed for life in lives)
    assert kills >= 0.8 * wanted, f"only {kills} of {wanted} studies were still alive to be killed"
    assert landed >= kills / 3 or not check.full, f"only {landed} of {kills} kills met a generation"
    check.remarks.append(f"{len(lives)} studies, {landed} of {kills} kills in a generation")


STEPS = ("studies:made", "studies:named", "write:half@study0.json", "write:before-replace@study0.json#2",
         "write:end@study0.json")  # fmt: skip


@pytest.mark.check(17, "a killed study is the unbroken one")
def test_a_study_killed_at_a_step_of_storing_it_is_the_unbroken_one(check, commands, trials, unbroken):
    workspace, expected = commands(), unbroken(0)
    command = command_of(0, trials, workers=1)
    steps = STEPS if check.full else STEPS[:3]

    for step in steps:
        with check.case():
            dying = Workspace(workspace.home, {**workspace.extra, "SUITE_CRASH_AT": step})
            process = dying.start(*command)
            out, err = process.communicate(timeout=600)
            assert process.returncode == -signal.SIGKILL, (step, out, err)
            if step == "studies:named":
                assert stored(workspace) == []
    finish(workspace, command)

    assert_whole(workspace, "study0", expected)


def test_every_step_of_storing_a_study_is_among_these():
    from tests.promises.points import TREES, steps

    assert set(steps(TREES["suite.tuning.storage"])) <= set(STEPS)
