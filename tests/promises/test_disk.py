"""Check 11: the disk is full when a file of a run is written. Older files stay, and the run can continue later."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite.disk.journal import Run
from suite.errors import MACHINE
from tests.conftest import Workspace
from tests.promises.breaking import Broken, train_and_die
from tests.promises.conftest import KINDS, last, told
from tests.promises.full_disks import FILLER, Full, digests, draw, fill, train
from tests.promises.mirrors import assert_mirror_is_exact

pytestmark = pytest.mark.promise

EPOCHS = {"plain": 3, "choosy": 4}
HEALED = "history.jsonl, which a crash left behind its checkpoint"
SMALL = 2 << 20  # bytes
LITTLE = 300_000  # too little for a checkpoint
COMMAND = ("run", "choosy", "--seeds", "1", "--no-report")
HOW = ("a limit", "a full disk")


def steps(kind: str) -> list[tuple[str, int]]:
    """The writes of a run: the file, and how many times it was written, this write included."""
    once = ["source.patch", "recipe.json", "weights.safetensors", "predictions.safetensors", "result.json"]
    again = [(name, time) for name in ("checkpoint", "history.jsonl") for time in (1, 2, EPOCHS[kind])]
    return [*((name, 1) for name in once), *again, (HEALED, 1)]


Disk = Callable[[Path], Path | None]


@pytest.fixture
def small_disk() -> Iterator[Disk]:
    """Mounts a file system of 2 MB at a folder."""
    mounted = []

    def mount(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        options = ["-t", "tmpfs", "-o", f"size={SMALL}", "small", str(folder)]
        if shutil.which("mount") is None or subprocess.run(["mount", *options], capture_output=True).returncode:
            pytest.skip("this user may not mount a file system")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(params=HOW)
def disk(request, small_disk) -> Disk:
    """Mounts the small disk at a folder. Returns None if the test limits the length of files instead."""
    return small_disk if request.param == "a full disk" else lambda _: None


def free(disk: Path | None) -> None:
    if disk:
        (disk / FILLER).unlink()


def assert_refused_whole(events, run, name: str) -> None:
    """The failure is one line with the path and the bytes that are needed. All files are as before."""
    failed, before = last(events, "failed"), last(events, "before")
    assert before, f"{name} was never written"
    assert failed, events
    assert failed["code"] == MACHINE
    assert failed["reason"].startswith(f"{run.folder / name}: "), failed
    assert "bytes are needed" in failed["reason"]
    assert len(failed["reason"].splitlines()) == 1
    assert digests(run.folder) == before["files"]
    assert list(run.folder.rglob(".*.tmp")) == []


@pytest.mark.check(11, "disk full at each write")
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_keeps_what_it_has_when_the_disk_is_full_and_goes_on_later(check, chance, bench, twins, disk, kind):
    every = steps(kind)
    chosen = chance.sample(every, check.times(len(every), 3))
    runs = [bench.run(kind, bench.top / str(number)) for number in range(len(chosen))]
    disks = [disk(bench.top / str(number)) for number in range(len(chosen))]
    healed = [Broken(bench.job(run), "write:begin@history.jsonl#2")
              for run, step in zip(runs, chosen, strict=True) if step[0] == HEALED]  # fmt: skip
    bench.work(healed, by=train_and_die)
    names = [name.partition(",")[0] for name, _ in chosen]
    full = [Full(bench.job(run), name, time, at)
            for run, name, (_, time), at in zip(runs, names, chosen, disks, strict=True)]  # fmt: skip

    refused = bench.work(full, by=train)

    for run, events, name in zip(runs, refused, names, strict=True):
        with check.case():
            assert_refused_whole(events, run, name)
    for place in disks:
        free(place)
    bench.work([bench.job(run) for run in runs])
    for run in runs:
        assert told(run) == twins[kind]


@pytest.mark.check(11, "disk full at each write")
def test_a_run_keeps_its_result_when_there_is_no_space_for_its_pictures(check, chance, bench, disk):
    files = ["confusion.csv", "samples.png"] if check.full else [chance.choice(["confusion.csv", "samples.png"])]
    runs = [bench.run("plain", bench.top / name) for name in files]
    disks = [disk(bench.top / name) for name in files]
    bench.work([bench.job(run) for run in runs])
    full = [Full(bench.job(run), name, 1, at) for run, name, at in zip(runs, files, disks, strict=True)]

    refused = bench.work(full, by=draw)

    for run, events, name in zip(runs, refused, files, strict=True):
        with check.case():
            assert_refused_whole(events, run, f"artifacts/{name}")
    for place in disks:
        free(place)
    drawn = bench.work([Full(one.job, "", 0, None) for one in full], by=draw)
    assert all(last(events, "done") for events in drawn), drawn


@pytest.mark.check(11, "disk full at each write")
def test_a_command_that_may_write_no_long_files_says_so_and_goes_on_later(check, bench, commands, twins):
    workspace = commands()

    with check.case():
        process = workspace.start(*COMMAND)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LITTLE, LITTLE))
        assert_command_refused(process, bench.run("choosy", workspace.home))
    assert_goes_on(workspace, bench, twins)


@pytest.mark.check(11, "disk full at each write")
def test_a_command_on_a_full_disk_says_so_and_goes_on_later(check, bench, commands, twins, small_disk):
    if not check.full:
        return  # the test above does the same with a limit
    workspace = commands()
    disk = small_disk(workspace.home / "mlruns" / "runs")
    fill(disk)
    os.truncate(disk / FILLER, (disk / FILLER).stat().st_size - LITTLE)

    with check.case():
        assert_command_refused(workspace.start(*COMMAND), bench.run("choosy", workspace.home))
    free(disk)
    assert_goes_on(workspace, bench, twins)


def assert_command_refused(process: "subprocess.Popen[str]", run: Run) -> None:
    """One line says that there was no space for the checkpoint. Other lines may say the same of other files."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == MACHINE, (out, err)
    assert "Traceback" not in out + err
    lines = [one for one in err.splitlines() if one.startswith(f"suite: {run.checkpoint}: ")]
    assert len(lines) == 1, err
    assert "bytes are needed" in lines[0]
    assert all(one.startswith("suite: ") for one in err.splitlines()), err
    assert list(run.folder.rglob(".*.tmp")) == []


def assert_goes_on(workspace: Workspace, bench, twins) -> None:
    """The same command, given again, reaches the undisturbed result, and MLflow gets all of it."""
    assert workspace.suite(*COMMAND).code == 0
    assert told(bench.run("choosy", workspace.home)) == twins["choosy"]
    assert_mirror_is_exact(workspace.home)
