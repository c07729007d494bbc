"""Check 3: whole commands are killed at random moments, several times. In the end they have the undisturbed result."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from suite.disk.journal import Run
from tests.conftest import Workspace, in_full
from tests.promises.colours import forget
from tests.promises.conftest import Bench, told
from tests.promises.lives import REST, SEEDS, STEPS, Progress, killed_after, lives, progress, write_telling
from tests.promises.mirrors import assert_mirror_is_exact

pytestmark = [pytest.mark.promise, pytest.mark.timeout(1800)]

IN_TRAINING = 0.8  # of the kills come after a training has begun; the others may come during the start


@dataclass
class Round:
    """One home and what the kills did there."""

    workspace: Workspace
    runs: list[Run]
    kinds: tuple[str, ...] = ()
    kills: int = 0
    landed: int = 0  # kills that hit a training
    lost: list[int] = field(default_factory=list)  # steps that had to be trained again


@pytest.fixture(scope="module")
def telling(tmp_path_factory):
    """A folder with three experiments that report every step."""
    folder = tmp_path_factory.mktemp("telling")
    write_telling(folder)
    yield folder
    forget(folder)


@pytest.fixture(scope="module")
def kinds(pytestconfig):
    """The experiments that each command trains."""
    return lives(full=in_full(pytestconfig))


@pytest.fixture(scope="module")
def unbroken(telling, digits, kinds, tmp_path_factory):
    """The result of each run when it is not disturbed."""
    bench = Bench(telling, digits, tmp_path_factory.mktemp("unbroken"))
    runs = [bench.run(kind, bench.top, seed) for kind in kinds for seed in range(SEEDS)]
    bench.work([bench.job(run) for run in runs])
    for run in runs:
        assert progress(run).steps == STEPS[run.experiment] * progress(run).epochs
    return {(run.experiment, run.seed): told(run) for run in runs}


def assert_kept(run: Run, before: Progress, after: Progress, lost: list[int]) -> None:
    """Compare a run before and after one kill: nothing finished is lost, and at most one epoch must be repeated."""
    trained, kept = after.steps - before.steps, after.epochs - before.epochs
    if before.result:
        assert after == before, f"{run.name} was finished, and was touched"
    assert kept >= 0, f"{run.name} fell back"
    assert 0 <= trained - kept * STEPS[run.experiment] <= STEPS[run.experiment], f"{run.name} lost more than an epoch"
    lost.append(trained - kept * STEPS[run.experiment])


def break_it(one: Round, kills: int, chance: random.Random) -> Round:
    """Kill the command up to `kills` times, then let it finish."""
    for alive in (*[True] * kills, False):
        before = [progress(run) for run in one.runs]
        if alive:
            training = chance.random() < IN_TRAINING
            alive = killed_after(one.workspace, one.kinds, chance.uniform(0, 1.5 if training else 6), training=training)
        else:
            answer = one.workspace.suite("run", *one.kinds, *REST)
            assert answer.code == 0, answer
        after = [progress(run) for run in one.runs]
        for run, old, new in zip(one.runs, before, after, strict=True):
            assert_kept(run, old, new, one.lost)
        one.kills += alive
        one.landed += alive and any(new.steps > old.steps for old, new in zip(before, after, strict=True))
    return one


@pytest.mark.check(3, "kill -9 at random")
def test_commands_killed_at_random_come_to_what_unbroken_ones_come_to(check, chance, bench, telling, kinds, unbroken):
    wanted, rounds = check.times(50, 4), []
    own = Bench(telling, bench.data, bench.top)

    with ThreadPoolExecutor(2) as two:
        while sum(one.kills for one in rounds) < wanted or len(rounds) < check.times(12, 2):
            places = [bench.home(f"round{len(rounds) + i}") for i in range(2)]
            new = [Round(Workspace(home, {"SUITE_EXPERIMENTS": str(telling)}, bare=True),
                         [own.run(kind, home, seed) for kind in kinds for seed in range(SEEDS)], kinds)
                   for home in places]  # fmt: skip
            kills = [check.times(4, 2) + chance.randint(0, 1) for _ in new]
            rounds += two.map(break_it, new, kills, [random.Random(chance.random()) for _ in new])

    for one in rounds:
        with check.case(one.kills):
            assert {(run.experiment, run.seed): told(run) for run in one.runs} == unbroken
            assert list(one.workspace.home.rglob(".*.tmp")) == []
            assert_mirror_is_exact(one.workspace.home)
    kills, landed = sum(one.kills for one in rounds), sum(one.landed for one in rounds)
    assert landed >= kills / 3, f"only {landed} of {kills} kills met a training"
    lost = sum(steps > 0 for one in rounds for steps in one.lost)
    check.remarks.append(f"{len(rounds)} rounds, {landed} of {kills} kills in a training, {lost} epochs repeated")
