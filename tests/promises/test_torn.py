"""Check 10: a history that a crash cut off is repaired completely. Other damage to documents of a run is refused."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.disk.journal import RESULT_FILES, Run
from suite.recipe import registry
from suite.runs.plan import plan
from tests.promises.conftest import Bench, Check, Twin, last, told
from tests.promises.damage import copied, cut_short, flip_a_bit, half_done_runs, tree, work_on_changed_text

pytestmark = pytest.mark.promise
TITLE = "torn history healed, other damage refused"

Runs = dict[str, Run]


@pytest.fixture(scope="module")
def half_done(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs that died after two epochs, by name."""
    return half_done_runs(Bench(own, digits, tmp_path_factory.mktemp("half-done")))


@pytest.fixture(scope="module")
def finished(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two finished runs of `plain`, with seeds 1 and 2 and every file that a run can have."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("finished"))
    runs = bench.run("plain", bench.top, 1), bench.run("plain", bench.top, 2)
    bench.work([bench.job(run) for run in runs], by=work_on_changed_text)
    assert set(runs[0].result()["files"]) == set(RESULT_FILES)
    return runs


# --- half-done runs -----------------------------------------------------------------------------------------------


@pytest.mark.check(10, TITLE)
@pytest.mark.parametrize(("kind", "step"), [("plain", 1), ("choosy", 10)])
def test_a_last_line_cut_at_any_byte_is_healed_and_the_run_ends_as_its_twin(
    kind: str, step: int, check: Check, chance: random.Random, bench: Bench, half_done: Runs, twins: dict[str, Twin]
) -> None:
    whole = (half_done[kind].folder / "history.jsonl").read_bytes()
    cuts = range(whole.index(b"\n") + 1, len(whole), step)
    if not check.full:
        cuts = chance.sample(cuts, 10)
    runs = [copied(half_done[kind], bench.top / f"cut-{cut}") for cut in cuts]
    for run, cut in zip(runs, cuts, strict=True):
        (run.folder / "history.jsonl").write_bytes(whole[:cut])

    with check.case(len(runs)):
        bench.work([bench.job(run) for run in runs])

        for run in runs:
            assert told(run) == twins[kind]


@pytest.mark.check(10, TITLE)
@pytest.mark.parametrize("missing", ["history.jsonl", "result.json"])
def test_a_missing_document_that_the_checkpoint_holds_is_written_anew(
    missing: str, check: Check, bench: Bench, half_done: Runs, twins: dict[str, Twin]
) -> None:
    """The checkpoint is written first and holds all epochs. So a crash may leave a run without the other documents."""
    run = copied(half_done["choosy"], bench.top)
    if missing == "result.json":
        bench.work([bench.job(run)])
    (run.folder / missing).unlink()

    with check.case():
        bench.work([bench.job(run)])

        assert told(run) == twins["choosy"]


def first_line_cut(contents: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(contents.index(b"\n"))
    return contents[:at] + contents[contents.index(b"\n") :]


def lines_swapped(contents: bytes, _chance: random.Random) -> bytes:
    return b"".join(reversed(contents.splitlines(keepends=True)))


def first_line_missing(contents: bytes, _chance: random.Random) -> bytes:
    return contents.partition(b"\n")[2]


def another_number(contents: bytes, _chance: random.Random) -> bytes:
    return contents.replace(b'"train_loss": 0.', b'"train_loss": 1.')


IN_A_HISTORY = [*[flip_a_bit] * 20, *[first_line_cut] * 5, lines_swapped, first_line_missing, another_number]


@pytest.mark.check(10, TITLE)
def test_any_other_damage_to_a_half_done_runs_documents_is_refused(
    check: Check, chance: random.Random, bench: Bench, half_done: Runs
) -> None:
    """The history is damaged or belongs to another run. The recipe is damaged, missing or belongs to another run."""
    plain = half_done["plain"].folder
    history, recipe = ((plain / name).read_bytes() for name in ("history.jsonl", "recipe.json"))
    others = [run.folder for name, run in half_done.items() if name != "plain"]
    shapes = [("history.jsonl", damage(history, chance)) for damage in IN_A_HISTORY]
    shapes += [("recipe.json", damage(recipe, chance)) for damage in [flip_a_bit] * 8 + [cut_short] * 4]
    shapes += [(name, (folder / name).read_bytes()) for folder in others for name in ("history.jsonl", "recipe.json")]
    shapes += [("recipe.json", None), ("recipe.json", recipe[:-1])]
    shapes = shapes if check.full else chance.sample(shapes, 10)
    runs = [damaged_in(half_done["plain"], bench.top / str(n), *shape) for n, shape in enumerate(shapes)]
    before = tree(bench.top)

    with check.case(len(runs)):
        answers = bench.work([bench.job(run) for run in runs])

        for run, (name, _), events in zip(runs, shapes, answers, strict=True):
            refused = last(events, "failed")
            assert (refused or {}).get("code") == 2, (name, events)
            assert_one_line(refused["reason"], run, name)
            assert last(events, "ended")["exit"] == 0
        assert tree(bench.top) == before


def damaged_in(run: Run, home: Path, name: str, contents: bytes | None) -> Run:
    """A copy of the run in a new home, in which one file has other contents or is missing."""
    run = copied(run, home)
    if contents is None:
        (run.folder / name).unlink()
    else:
        (run.folder / name).write_bytes(contents)
    return run


def assert_one_line(reason: str, run: Run, name: str) -> None:
    assert reason.startswith(f"{run.folder / name} is damaged: "), reason
    assert reason.endswith(f"move the folder {run.folder} away to train it again.")
    assert reason.isprintable()


# --- finished runs ------------------------------------------------------------------------------------------------


def shapes_of(run: Run, other: Run, chance: random.Random) -> list[tuple[str, bytes | None]]:
    """Each file of a finished run with a flipped bit, cut off, empty, missing, or replaced by the other run's file."""
    shapes: list[tuple[str, bytes | None]] = []
    for name in (*RESULT_FILES, "result.json"):
        whole, others = (run.folder / name).read_bytes(), (other.folder / name).read_bytes()
        bad = [flip_a_bit(whole, chance), flip_a_bit(whole, chance), cut_short(whole, chance), whole[:-1], b""]
        bad += [others] if others != whole else []  # both runs have the same patch
        bad += [None] if name != "result.json" else []  # without it the run is not finished
        shapes += [(name, contents) for contents in bad]
    return shapes


@pytest.mark.check(10, TITLE)
def test_damage_to_a_finished_run_is_refused_at_once_and_other_runs_go_on(
    check: Check, chance: random.Random, bench: Bench, finished: tuple[Run, Run], twins: dict[str, Twin]
) -> None:
    shapes = shapes_of(*finished, chance)
    shapes = shapes if check.full else chance.sample(shapes, 10)
    damaged = [damaged_in(finished[0], bench.top / str(n), *shape) for n, shape in enumerate(shapes)]
    before = tree(*(run.folder for run in damaged))
    plain = registry.load([bench.own]).choose(["plain"])

    with check.case(len(shapes)):
        plans = [plan(plain, range(2), bench.top / str(n) / "mlruns" / "runs") for n in range(len(shapes))]
        good = [first.run for first, _ in plans[:: len(plans) // 5]]
        bench.work([bench.job(run) for run in good])

        for (first, second), run, (name, _) in zip(plans, damaged, shapes, strict=True):
            assert (first.status, second.status, second.code) == ("planned", "failed", 2), name
            assert_one_line(second.reason, run, name)
            assert second.result is None
        assert tree(*(run.folder for run in damaged)) == before
        assert [told(run) for run in good] == [twins["plain"]] * len(good)


@pytest.mark.check(10, TITLE)
def test_the_command_refuses_the_damaged_run_alone(
    check: Check, bench: Bench, finished: tuple[Run, Run], twins: dict[str, Twin], commands: Callable[..., object]
) -> None:
    workspace = commands()
    run, _ = copied(finished[0], workspace.home), copied(finished[1], workspace.home)
    shutil.copy(finished[1].folder / "result.json", run.folder / "result.json")
    before = tree(run.folder)

    with check.case():
        answer = workspace.suite("run", "plain", "--seeds", "3", "--no-report", "--json")

        assert answer.code == 2, answer
        assert [one["status"] for one in answer.json["runs"]] == ["finished", "failed", "finished"]
        [line] = answer.err.splitlines()[:1]
        assert_one_line(line.removeprefix("suite: "), run, "result.json")
        assert answer.err.count(str(run.folder / "result.json")) == 1
        assert "Traceback" not in answer.out + answer.err
        assert tree(run.folder) == before
        assert told(bench.run("plain", workspace.home)) == twins["plain"]
