"""Check 19: a malicious file runs no code, hangs no command, fills no memory, and is refused in one line."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.data import ensure
from suite.data.dataset import FILES
from suite.disk.journal import Run
from suite.errors import SuiteError
from tests.conftest import Workspace
from tests.promises import hostile
from tests.promises.conftest import Bench, Check, Twin, last, told
from tests.promises.damage import copied, half_done_runs, sweep_and_weigh, tree, work_and_weigh, work_on_changed_text

pytestmark = [pytest.mark.promise, pytest.mark.timeout(120)]
TITLE = "malicious files run nothing, hang nothing, fill no memory"
MOST = 100  # MiB: the largest growth of a process that reads such a file

# A file of a run, the malicious file in its place, and the exit code. It is 3 if the machine cannot write the file.
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
# A history like this is found to be wrong only by a comparison with the checkpoint, and only the worker reads that.
BESIDE_ITS_CHECKPOINT = (
    hostile.pickle_of_eval, hostile.deflate_bomb, hostile.json_of_infinities, hostile.json_nested_just_too_deep,
    hostile.a_million_lines,
)  # fmt: skip
SEEN_BY_ALL = [
    (name, make)
    for name, make, _ in IN_A_HALF_DONE_RUN
    if name == "recipe.json" or (name == "history.jsonl" and make not in BESIDE_ITS_CHECKPOINT)
]
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
def half_done(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs that died after two epochs, by name."""
    return half_done_runs(Bench(own, digits, tmp_path_factory.mktemp("half-done")))


@pytest.fixture(scope="module")
def finished(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two finished runs of `plain`, with seeds 0 and 1."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("finished"))
    runs = bench.run("plain", bench.top, 0), bench.run("plain", bench.top, 1)
    bench.work([bench.job(run) for run in runs], by=work_on_changed_text)
    return runs


@pytest.fixture
def sentinel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that appears if a malicious file ran code."""
    return tmp_path_factory.mktemp("sentinel") / "harm"


def replaced(run: Run, home: Path, name: str, make: hostile.Make, sentinel: Path) -> Run:
    """A copy of the run in a new home, in which the malicious file replaces a file of the run."""
    run = copied(run, home)
    (run.folder / name).unlink(missing_ok=True)
    make(run.folder / name, sentinel)
    return run


@pytest.mark.check(19, TITLE)
def test_the_worker_refuses_a_hostile_file_in_a_half_done_run(
    check: Check, chance: random.Random, bench: Bench, half_done: dict[str, Run], sentinel: Path
) -> None:
    cases = chance.sample(IN_A_HALF_DONE_RUN, check.times(len(IN_A_HALF_DONE_RUN), 16))
    runs = [
        replaced(half_done["plain"], bench.top / str(n), name, make, sentinel)
        for n, (name, make, _) in enumerate(cases)
    ]
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
    check: Check,
    chance: random.Random,
    bench: Bench,
    half_done: dict[str, Run],
    finished: tuple[Run, Run],
    sentinel: Path,
) -> None:
    """They read every folder. Folders with a malicious file are named; the finished run beside them is not."""
    cases = [(half_done["another seed"], name, make) for name, make in SEEN_BY_ALL]
    cases += [(finished[1], name, make) for name, make in IN_A_FINISHED_RUN]
    cases = chance.sample(cases, check.times(len(cases), 12))
    homes = [bench.home(str(n)) for n in range(len(cases))]
    bad = []
    for home, (run, name, make) in zip(homes, cases, strict=True):
        copied(finished[0], home)
        bad.append(replaced(run, home, name, make, sentinel))
    before = tree(bench.top)

    with check.case(len(cases)):
        halves = bench.work([homes[::2], homes[1::2]], by=sweep_and_weigh)

        for n, (run, (_, name, make)) in enumerate(zip(bad, cases, strict=True)):
            swept = halves[n % 2][n // 2]
            assert len(swept["said"]) == 1, (name, make.__name__, swept)
            [line] = swept["said"]
            assert line.startswith(f"{run.folder / name} is damaged: ")
            assert line.isprintable()
            assert swept["whole"] == ["plain-s0"]
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
    check: Check, bench: Bench, half_done: dict[str, Run], finished: tuple[Run, Run], twins: dict[str, Twin],
    sentinel: Path, commands: Callable[..., Workspace],
) -> None:  # fmt: skip
    """`sync` sends the undamaged runs and names each other one in a line. Nothing outside the home changes."""
    workspace = commands()
    outside = bench.home("outside")
    good, astray = copied(finished[0], workspace.home), copied(finished[1], workspace.home)
    (astray.folder / "artifacts").symlink_to(outside)
    unread = replaced(
        half_done["one more seed"], workspace.home, "history.jsonl", hostile.json_nested_100_000_deep, sentinel
    )
    (good.folder / "artifacts").mkdir()
    (good.folder / "artifacts" / "notes.txt").symlink_to("/etc/passwd")
    hostile.pipe(good.folder / "artifacts" / "pipe", sentinel)
    named = (astray.folder / "artifacts", unread.folder / "history.jsonl")

    with check.case(4):
        answer = workspace.suite("sync", "--json")

        for path in named:
            assert answer.err.count(f"suite: {path} is damaged: ") == 1, answer
        assert len(answer.err.splitlines()) == len(named)
        assert list(outside.iterdir()) == []
        sent = {path.name for path in workspace.home.glob("mlruns/artifacts/**/*")}
        assert "weights.safetensors" in sent
        assert not sent & {"notes.txt", "pipe"}
        assert not sentinel.exists()
        assert told(good) == twins["plain"]
