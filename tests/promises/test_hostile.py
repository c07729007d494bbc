"""Check 19: files made to harm their reader run nothing, hang nothing, fill no memory, and are refused in one line."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.data import ensure
from suite.data.catalog import FILES
from suite.engine.journal import Run
from suite.errors import SuiteError
from tests.conftest import Workspace
from tests.promises import hostile
from tests.promises.conftest import Bench, Check, Twin, last, told
from tests.promises.damage import copied, half_done_runs, sweep_and_weigh, tree, work_and_weigh

pytestmark = [pytest.mark.promise, pytest.mark.timeout(120)]
TITLE = "malicious files run nothing, hang nothing, fill no memory"
MOST = 100  # MiB that a reader may grow by

# A file of the run's folder, what it is replaced by, and the exit code: 3 for what this machine cannot write to.
IN_A_HALF_DONE_RUN = [
    *[("checkpoint", make, 2) for make in (
        hostile.pickle_of_os_system, hostile.pickle_of_eval, hostile.torch_file, hostile.torch_file_of_old,
        hostile.numpy_objects, hostile.zip_bomb, hostile.safetensors_of_a_huge_header,
        hostile.forged_checkpoint_of_a_huge_header, hostile.forged_checkpoint_of_a_deep_header,
        hostile.forged_checkpoint_of_a_list, hostile.forged_checkpoint_of_other_facts,
        hostile.forged_checkpoint_without_a_history, hostile.link_to_the_passwords, hostile.link_to_a_device,
        hostile.pipe, hostile.folder, hostile.sparse_10_gb, hostile.sparse_200_mb,
    )],
    *[(name, make, 2) for name in ("recipe.json", "history.jsonl") for make in (
        hostile.pickle_of_eval, hostile.deflate_bomb, hostile.link_to_the_passwords, hostile.link_to_a_device,
        hostile.pipe, hostile.sparse_10_gb, hostile.sparse_200_mb, hostile.json_nested_100_000_deep,
        hostile.json_nested_just_too_deep, hostile.json_of_infinities, hostile.json_of_a_million_lists,
        hostile.a_million_lines,
    )],
    *[(name, make, 3) for name in ("lock", "output.log") for make in (
        hostile.link_to_the_passwords, hostile.folder,
    )],
    ("output.log", hostile.pipe, 3),
]  # fmt: skip
IN_A_FINISHED_RUN = [
    *[("result.json", make) for make in (
        hostile.pickle_of_os_system, hostile.json_nested_100_000_deep, hostile.json_nested_just_too_deep,
        hostile.json_of_infinities, hostile.json_of_a_million_lists, hostile.pipe, hostile.link_to_a_device,
        hostile.sparse_10_gb,
    )],
    *[(name, make) for name in ("weights.safetensors", "predictions.safetensors", "source.patch") for make in (
        hostile.pickle_of_os_system, hostile.torch_file, hostile.numpy_objects, hostile.safetensors_of_a_huge_header,
        hostile.link_to_the_passwords, hostile.pipe, hostile.sparse_10_gb,
    )],
]  # fmt: skip
AS_DATA = [
    hostile.pickle_of_os_system, hostile.torch_file, hostile.numpy_objects, hostile.deflate_bomb, hostile.zip_bomb,
    hostile.gzip_of_gzips, hostile.link_to_the_passwords, hostile.link_to_a_device, hostile.pipe, hostile.folder,
    hostile.sparse_10_gb,
]  # fmt: skip


@pytest.fixture(scope="module")
def half_done(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of `plain` that died after two epochs."""
    return half_done_runs(Bench(own, digits, tmp_path_factory.mktemp("half-done")))["plain"]


@pytest.fixture(scope="module")
def finished(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of `plain`."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("finished"))
    run = bench.run("plain", bench.top)
    bench.work([bench.job(run)])
    return run


@pytest.fixture
def sentinel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What none of the files may bring about."""
    return tmp_path_factory.mktemp("sentinel") / "harm"


def replaced(run: Run, home: Path, name: str, make: hostile.Make, sentinel: Path) -> Run:
    """A copy of the run in a home of its own, with this file in the place of one of its own."""
    run = copied(run, home)
    (run.folder / name).unlink(missing_ok=True)
    make(run.folder / name, sentinel)
    return run


@pytest.mark.check(19, TITLE)
def test_the_worker_refuses_a_hostile_file_in_a_half_done_run(
    check: Check, chance: random.Random, bench: Bench, half_done: Run, sentinel: Path
) -> None:
    cases = chance.sample(IN_A_HALF_DONE_RUN, check.times(len(IN_A_HALF_DONE_RUN), 16))
    runs = [replaced(half_done, bench.top / str(n), name, make, sentinel) for n, (name, make, _) in enumerate(cases)]
    before = tree(bench.top)

    with check.case(len(cases)):
        answers = bench.work([bench.job(run) for run in runs], by=work_and_weigh)

        for run, (name, make, code), events in zip(runs, cases, answers, strict=True):
            refused = last(events, "failed")
            assert (refused or {}).get("code") == code, (name, make.__name__, events)
            assert str(run.folder / name) in refused["reason"] or name == "lock"
            assert refused["reason"].isprintable()
            assert len(refused["reason"]) < 1_000
            assert last(events, "weighed")["mib"] < MOST, (name, make.__name__, last(events, "weighed"))
        assert tree(bench.top) == before
        assert not sentinel.exists()


@pytest.mark.check(19, TITLE)
def test_sync_report_and_verify_leave_a_hostile_folder_out(
    check: Check, chance: random.Random, bench: Bench, half_done: Run, finished: Run, sentinel: Path
) -> None:
    """They look at every folder; those with such a file are named, the finished run beside them is not."""
    seen_there = [case for case in IN_A_HALF_DONE_RUN if case[0] in ("recipe.json", "history.jsonl")]
    seen_there = [(half_done, name, make) for name, make, _ in seen_there if make is not hostile.a_million_lines]
    cases = seen_there + [(finished, name, make) for name, make in IN_A_FINISHED_RUN if name != "source.patch"]
    cases = chance.sample(cases, check.times(len(cases), 12))
    runs = [replaced(run, bench.top / str(n), name, make, sentinel) for n, (run, name, make) in enumerate(cases)]
    for n in range(len(runs)):
        other = bench.top / str(n) / "mlruns" / "runs" / "other" / f"{finished.folder.name}"
        shutil.copytree(finished.folder, other.parent.parent / "plain" / "whole", dirs_exist_ok=True)
    before = tree(bench.top)

    with check.case(len(cases)):
        answers = bench.work([bench.job(run) for run in runs], by=sweep_and_weigh)

        for run, (_, name, make), events in zip(runs, cases, answers, strict=True):
            swept = last(events, "swept")
            assert swept, (name, make.__name__, events)
            assert any(line.startswith(f"{run.folder / name} is damaged: ") for line in swept["said"]), (name, swept)
            assert all(line.isprintable() for line in swept["said"])
            assert swept["mib"] < MOST, (name, make.__name__, swept)
        assert tree(bench.top) == before
        assert not sentinel.exists()


@pytest.mark.check(19, TITLE)
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("make", AS_DATA, ids=lambda make: make.__name__)
def test_a_hostile_data_file_is_refused(
    make: hostile.Make,
    end: str,
    check: Check,
    tmp_path: Path,
    digits: Path,
    sentinel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mine = tmp_path / "mine"
    mine.mkdir()
    for file in FILES[1:]:
        shutil.copy(digits / file, mine)
    make(mine / (FILES[0] + end), sentinel)
    before = tree(tmp_path)

    with check.case():
        with pytest.raises(SuiteError, match=r"expected SHA-256 \w+, found ") as refused:
            ensure("digits", folder=mine, say=lambda _: None)

        assert refused.value.code == 2
        assert tree(tmp_path) == before
        assert not sentinel.exists()


@pytest.mark.check(19, TITLE)
def test_the_commands_go_on_around_hostile_folders(
    check: Check, bench: Bench, half_done: Run, finished: Run, twins: dict[str, Twin], sentinel: Path,
    commands: Callable[..., Workspace],
) -> None:  # fmt: skip
    """`sync` sends what is whole and names the rest, a line for each; nothing outside the home is touched."""
    workspace = commands()
    outside = bench.home("outside")
    good = copied(finished, workspace.home)
    bad = {}
    for seed, (name, make) in enumerate((("history.jsonl", hostile.a_million_lines), ("recipe.json", hostile.pipe)), 1):
        run = bench.run("plain", bench.top / f"seed-{seed}", seed)
        bench.work([bench.job(run)])
        bad[replaced(run, workspace.home, name, make, sentinel)] = name
    (good.folder / "artifacts").symlink_to(outside)

    with check.case(3):
        answer = workspace.suite("sync", "--json")

        assert "Traceback" not in answer.err
        for run, name in bad.items():
            assert [line for line in answer.err.splitlines() if f"{run.folder / name} is damaged: " in line]
        assert list(outside.iterdir()) == []
        assert not sentinel.exists()
        assert told(good) == twins["plain"]
