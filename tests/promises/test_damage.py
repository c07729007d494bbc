"""Check 6: a damaged checkpoint is refused in one line and not changed. Runs beside it end as if they were alone."""

import random
import shutil
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from suite.disk.journal import Run
from tests.promises.conftest import KINDS, Bench, Check, Twin, last, told
from tests.promises.damage import (
    HALVES,
    Damage,
    break_off,
    copied,
    cut_short,
    flip_a_bit,
    garbage,
    half_done_runs,
    tree,
)

pytestmark = pytest.mark.promise
TITLE = "damaged checkpoints refused, left as they are"
GOOD_EVERY = 10

HalfDone = dict[str, Run]


@pytest.fixture(scope="module")
def half_done(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> HalfDone:
    """Runs that died after two epochs, by name."""
    return half_done_runs(Bench(own, digits, tmp_path_factory.mktemp("half-done")))


def assert_refused_in_company(
    bench: Bench, damaged: Sequence[tuple[Run, dict[str, float]]], half_done: HalfDone, twins: dict[str, Twin]
) -> None:
    """Each damaged run is refused. Every tenth job is an undamaged run, which must end as its twin."""
    before = tree(*(run.folder for run, _ in damaged))
    good = [copied(half_done[KINDS[n % 2]], bench.top / f"good-{n}") for n in range(1 + len(damaged) // GOOD_EVERY)]
    jobs = [bench.job(run, **fields) for run, fields in damaged]
    for n, run in enumerate(good):
        jobs.insert(n * (GOOD_EVERY + 1), bench.job(run))

    told_of = dict(zip([job.run.folder for job in jobs], bench.work(jobs), strict=True))

    for run, _ in damaged:
        assert_refused(run, told_of[run.folder])
    assert tree(*(run.folder for run, _ in damaged)) == before
    for run in good:
        assert told(run) == twins[run.experiment]


def assert_refused(run: Run, events: list[dict[str, object]]) -> None:
    """The worker refused the run in one line with the file and what to do, and its process ended with 0."""
    assert [event["event"] for event in events] == ["started", "failed", "ended"], events
    refused = last(events, "failed")
    assert refused["code"] == 2
    assert refused["reason"].startswith(f"{run.checkpoint} is damaged: ")
    assert refused["reason"].endswith(f"Nothing was changed; move the folder {run.folder} away to train it again.")
    assert refused["reason"].isprintable()
    assert "Traceback" not in (run.folder / "output.log").read_text()
    assert last(events, "ended")["exit"] == 0


@pytest.mark.check(6, TITLE)
@pytest.mark.parametrize(
    ("damage", "full", "short"),
    [(flip_a_bit, 400, 16), (cut_short, 200, 10), (garbage, 100, 10)],
    ids=["one bit flipped", "cut short", "garbage"],
)
def test_a_damaged_checkpoint_is_refused_and_other_runs_go_on(
    damage: Damage, full: int, short: int, check: Check, chance: random.Random, bench: Bench,
    half_done: HalfDone, twins: dict[str, Twin],
) -> None:  # fmt: skip
    n = check.times(full, short)
    runs = [copied(half_done[KINDS[i % 2]], bench.top / f"bad-{i}") for i in range(n)]
    for run in runs:
        run.checkpoint.write_bytes(damage(run.checkpoint.read_bytes(), chance))

    with check.case(n):
        assert_refused_in_company(bench, [(run, {}) for run in runs], half_done, twins)


@pytest.mark.check(6, TITLE)
def test_another_runs_checkpoint_is_refused_and_other_runs_go_on(
    check: Check, chance: random.Random, bench: Bench, half_done: HalfDone, twins: dict[str, Twin]
) -> None:
    pairs = chance.sample(list(permutations(half_done, 2)), check.times(20, 10))
    damaged = []
    for number, (name, other) in enumerate(pairs):
        run = copied(half_done[name], bench.top / f"bad-{number}")
        shutil.copy(half_done[other].checkpoint, run.checkpoint)
        damaged.append((run, HALVES[name][2]))

    with check.case(len(damaged)):
        assert_refused_in_company(bench, damaged, half_done, twins)


@pytest.mark.check(6, TITLE)
def test_a_damaged_checkpoint_of_functions_of_ones_own_in_colour_is_refused_and_the_good_one_goes_on(
    check: Check, chance: random.Random, in_colour: Bench, twins: dict[str, Twin]
) -> None:
    n, good = check.times(60, 6), in_colour.run("colour", in_colour.top)
    [died] = in_colour.work([in_colour.job(good)], by=break_off)
    runs = [copied(good, in_colour.top / f"bad-{i}") for i in range(n)]
    for run in runs:
        damage = chance.choice([flip_a_bit, cut_short, garbage])
        run.checkpoint.write_bytes(damage(run.checkpoint.read_bytes(), chance))
    before = tree(*(run.folder for run in runs))

    with check.case(n):
        *refused, ended = in_colour.work([in_colour.job(run) for run in (*runs, good)])

        assert died[-1]["exit"] == -9
        for run, events in zip(runs, refused, strict=True):
            assert_refused(run, events)
        assert tree(*(run.folder for run in runs)) == before
        assert [event["epoch"] for event in ended if event["event"] == "epoch"] == [2]
        assert told(good) == twins["colour"]


@pytest.mark.check(6, TITLE)
def test_the_command_names_each_damaged_checkpoint_and_finishes_all_other_seeds(
    check: Check, chance: random.Random, bench: Bench, half_done: HalfDone, twins: dict[str, Twin],
    commands: Callable[..., object],
) -> None:  # fmt: skip
    workspace = commands()
    runs = {name: copied(half_done[name], workspace.home) for name in ("plain", "another seed", "one more seed")}
    damaged = {name: runs[name].checkpoint for name in ("another seed", "one more seed")}
    for path, damage in zip(damaged.values(), (flip_a_bit, cut_short), strict=True):
        path.write_bytes(damage(path.read_bytes(), chance))
    before = [path.read_bytes() for path in damaged.values()]

    seeds = check.times(12, 4)

    with check.case(len(damaged)):
        answer = workspace.suite("run", "plain", "--seeds", str(seeds), "--no-report")

        assert answer.code == 2, answer
        assert len(workspace.results()) == seeds - len(damaged)
        lines = answer.err.splitlines()
        for path in damaged.values():
            [line] = [line for line in lines if str(path) in line]
            assert line.startswith("suite: ")
            assert f": {path} is damaged: " in line
            assert line.endswith("away to train it again.")
        assert len(lines) == len(damaged)
        assert "Traceback" not in answer.out + answer.err
        assert [path.read_bytes() for path in damaged.values()] == before
        assert told(bench.run("plain", workspace.home)) == twins["plain"]
