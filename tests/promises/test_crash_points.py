"""Check 4, training: a run that is killed at a named step resumes to the same result, and no file is left over."""

import ast
import signal

import pytest

from suite.disk.journal import Run
from tests.promises.breaking import Broken, train_and_die
from tests.promises.conftest import ALL_KINDS, Bench, last, told
from tests.promises.points import TREES, steps_of_source, writes

pytestmark = pytest.mark.promise

IN_TRAINING = {"run", "epoch", "write"}
NOT_REPLACED = {"lock", "output.log"}  # a lock of the kernel, and the output of the network, which grows line by line

# Modules that write without `suite.disk.files`, and why a crash there does no harm.
BY_ITSELF = {
    "suite.api.defining": {"trial.write_bytes"},  # a temporary folder
    "suite.benching.checkout": {"packed.extractall"},  # a temporary folder
    "suite.__main__": {"os.open"},  # the null device
    "suite.benching.probe": {"os.fdopen"},  # a pipe
    "suite.pictures.canvas": {"canvas.print_svg"},  # memory
    "suite.cli.markdown": {"open"},  # the summary of a CI job, which belongs to the job
    "suite.cli.parser": {"os.open"},  # the null device
    "suite.exporting.load": {"np.save"},  # the stranger's program: a temporary folder
    "suite.exporting.reloading": {"np.save"},  # the same folder
    "suite.data.freezing": {"self._path.open"},  # a temporary folder; `files.publish` moves it when it is complete
    "suite.data.own.medmnist": {"path.open"},  # a temporary folder; the contents are frozen afterwards
    "suite.data.sources.archives": {"path.open", "path.replace"},  # the same; an archive is checked at every use
    "suite.data.sources.digits": {
        "(into / name).write_bytes"
    },  # these four: a temporary folder, checked before it is used
    "suite.data.sources.folder": {"(into / file).open"},
    "suite.data.sources.mirrors": {"(into / file).open"},
    "suite.data.sources.packages": {"(into / file).open"},
    "suite.kernels.compiled": {
        "(place / DIGEST).write_text",
        "shutil.copyfile",
        "other.rename",
    },  # made anew without its digest, and without its folder
    "suite.reporting.tables": {"table.frame().to_csv"},  # memory
    "suite.tracking.sync": {"path.rename"},  # a named step follows each
    "suite.tracking.store": {"made.touch", "os.replace"},  # between two named steps
    "suite.tracking.studies": {"path.write_bytes"},  # a temporary folder, copied by MLflow
    "suite.tuning.storage": {"made.touch", "os.replace"},  # between two named steps
    "suite.runs.worker": {"os.open"},  # output.log
    "suite.api.reporting": {"move"},  # no file: it sends a record to another MLflow
    "suite.disk.verdicts": {"file.truncate", "path.open"},  # a torn last line is passed over, and cut off by the next
    "suite.execute.ray_start": {"os.open"},  # the null device
    "suite.runs.freight": {"open"},  # output.log
    "suite.runs.pool": {"open", "os.link", "os.rename"},  # lines of events; a torn one is passed over, a name is whole
    "suite.runs.there": {"(run.folder / name).write_bytes", "file.write_text"},  # a node's temporary home
}


def at_steps(passed: dict[str, int], chance) -> list[str]:
    """Every step of an undisturbed run: its first time, and one later time if the step occurs again."""
    later = [f"{step}#{chance.randint(2, times)}" for step, times in passed.items() if times > 1]
    return sorted([*passed, *later])


def one_of_each(points: list[str], chance) -> list[str]:
    """Every step once, for a random file and time. Also `write:half` for each file, the most dangerous moment."""
    chosen = {name_of(point): point for point in chance.sample(points, len(points))}
    return sorted({*chosen.values(), *(point for point in points if name_of(point) == "write:half")})


def name_of(point: str) -> str:
    """The STEP of `STEP@FILE#2`."""
    return point.partition("@")[0].partition("#")[0]


def epochs(events) -> list[int]:
    return [event["epoch"] for event in events if event["event"] == "epoch"]


def contents(run: Run) -> dict[str, tuple[int, int]]:
    """Inode and time of all files in the folder of a run. They stay equal only if nothing was written."""
    files = [path for path in run.folder.rglob("*") if path.name not in NOT_REPLACED]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def unbroken(bench: Bench, kind: str) -> dict[str, int]:
    """The steps that an undisturbed run of this kind passes, and how often."""
    run = bench.run(kind, bench.top / "unbroken")
    [events] = bench.work([Broken(bench.job(run))], by=train_and_die)
    steps = last(events, "passed")["steps"]
    names = {path.name for path in run.folder.iterdir()} - NOT_REPLACED
    assert names >= {"source.patch", "recipe.json", "result.json"}
    assert names == {step.partition("@")[2] for step in steps} - {""}, "each file is written with steps on the way"
    return steps


@pytest.mark.check(4, "kill -9 at each named step")
@pytest.mark.parametrize(
    "kind", ["choosy", *(pytest.param(kind, marks=pytest.mark.full) for kind in ALL_KINDS if kind != "choosy")]
)
def test_a_run_killed_at_any_step_ends_as_the_unbroken_one(check, chance, bench, in_colour, twins, kind):
    bench = in_colour if kind == "colour" else bench
    every = at_steps(unbroken(bench, kind), chance)
    assert {name_of(point) for point in every} == {
        step for step in steps_of_source() if step.partition(":")[0] in IN_TRAINING
    }
    points = every if check.full else one_of_each(every, chance)
    runs = [bench.run(kind, bench.top / f"{kind}{number}") for number in range(len(points))]
    jobs = [bench.job(run) for run in runs]

    killed = bench.work([Broken(job, at) for job, at in zip(jobs, points, strict=True)], by=train_and_die)
    finished = [run.folder.joinpath("result.json").exists() for run in runs]
    resumed = bench.work([Broken(job) for job in jobs], by=train_and_die)
    after = [contents(run) for run in runs]
    again = bench.work([Broken(job) for job in jobs], by=train_and_die)

    for i, (run, at) in enumerate(zip(runs, points, strict=True)):
        with check.case():
            assert last(killed[i], "ended")["exit"] == -signal.SIGKILL, f"{at} was never reached"
            assert last(resumed[i], "done"), (at, resumed[i])
            assert told(run) == twins[kind], at
            assert list(run.folder.rglob(".*.tmp")) == [], at
            before, new = epochs(killed[i]), epochs(resumed[i])
            everything = list(range(len(twins[kind][1])))
            assert new == everything[len(everything) - len(new) :], at
            assert len(everything) - len(new) in (len(before), len(before) + 1), f"{at}: an epoch more than once again"
            assert last(resumed[i], "started") is None or not finished[i], f"{at}: a finished run was trained"
            assert [event["event"] for event in again[i]] == ["done", "passed", "ended"], at
            assert contents(run) == after[i], at


def test_a_module_writes_through_suite_files_or_is_known_not_to():
    found = {module: set(writes(tree)) for module, tree in TREES.items() if module != "suite.disk.files"}

    assert {module: names for module, names in found.items() if names} == BY_ITSELF


def test_what_suite_files_writes_itself_has_a_step_on_the_way():
    assert sorted(writes(TREES["suite.disk.files"])) == ["open", "os.open", "os.open", "os.replace", "os.replace"]


@pytest.mark.parametrize(
    "text",
    [
        "path.write_bytes(x)", "path.write_text(x)", "open(path, 'w')", "open(path, mode='ab')", "path.open('x')",
        "open(path, 'r+b')", "os.replace(a, b)", "path.replace(b)", "path.rename(b)", "os.open(p, os.O_WRONLY)",
        "frame.to_csv(path)", "shutil.copyfile(a, b)", "open(path, mode=how)", "torch.save(x, path)",
        "tempfile.NamedTemporaryFile()", "io.open(path, 'wb')", "path.touch()",
    ],
)  # fmt: skip
def test_the_search_for_writes_finds_it(text):
    assert list(writes(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["open(path)", "open(path, 'rb')", "text.replace('a', 'b')", "gzip.open(path, 'rt')", "urlopen(url)"]
)
def test_the_search_for_writes_leaves_the_rest_alone(text):
    assert list(writes(ast.parse(text))) == []
