"""What tests of several rooms share."""

import functools
import gc
import json
import multiprocessing.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.tables import Tables
from tests.zygote import Forked, Zygote

ROOT = Path(__file__).parent.parent

# A script's background ignores Ctrl-C, and every command that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it likewise


# Libraries set these when a test loads them: MLflow, scikit-learn, torch, Lightning. No user's command would have them.
SET = ("_MLFLOW_", "KMP_", "GIT_PYTHON_REFRESH", "TORCHINDUCTOR_", "_TORCHINDUCTOR_", "PYTORCH_NVML_")

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def plain_environment() -> dict[str, str]:
    """This process's environment without what a user, a library or a test session has set for this process alone."""
    alone = ("SUITE_", "MLFLOW_", "IPYTHONDIR", *SET, *ONE_THREAD)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(alone)}
    return {**ours, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout, which is as its schema in docs/schemas says."""
        from tests.documents import valid  # loads jsonschema, which few workers need

        return valid(self.out)


@dataclass(frozen=True)
class Workspace:
    """A SUITE_HOME of its own, and the commands given in it.

    The first that trains there finds MLflow's database made already, which takes it a second or more. It does not where
    the home is `bare`, and never with `-m promise`.
    """

    home: Path
    extra: dict[str, str] = field(default_factory=dict)
    bare: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the workspace's own names and none of the user's."""
        return {**plain_environment(), "SUITE_HOME": str(self.home), "SUITE_GALLERY": "no", **self.extra}

    def start(self, *words: str) -> "Process":
        """Give a command and go on. Without `-m promise` its process finds the libraries loaded, where it may."""
        if (
            {"run", "tune"} & {*words[:1]}
            and not self.bare
            and not {"SUITE_HOME", "MLFLOW_TRACKING_URI"} & {*self.extra}
        ):
            furnish(self.home)
        if SHARED:
            needs_new = the_zygote().not_served(self.environment)
            assert needs_new <= {*self.extra, "PYTHONPATH"}, f"{needs_new}: what sets it costs seconds in each command"
            if not needs_new:
                return the_zygote().start(["-m", "suite", *words], cwd=self.home, environment=self.environment)
        command = [sys.executable, "-m", "suite", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.home, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def suite(self, *words: str) -> Answer:
        """Give a command and wait for its end."""
        return answer_of(self.start(*words))

    def results(self) -> dict[str, dict[str, Any]]:
        """The results in the run folders, by run folder's name."""
        found = self.home.glob("mlruns/runs/*/*/result.json")
        return {f"{path.parent.parent.name}/{path.parent.name}": json.loads(path.read_text()) for path in found}


Process = subprocess.Popen[str] | Forked
Command = Callable[..., Answer]

MAKER = "import sys; from pathlib import Path; from suite.disk.home import Home; "
MAKER += "from suite.tracking.store import open_store; open_store(Home(Path(sys.argv[1])))"


def furnish(home: Path) -> Path:
    """Copy a new MLflow database into a home that has nothing yet; one is made for all tests of all workers."""
    if not SHARED or (home / "mlruns").exists() or not home.is_dir():
        return home
    made = _made_once("furnished", _make_database)
    (home / "mlruns").mkdir()
    shutil.copy(made / "mlruns" / "mlflow.db", home / "mlruns" / "mlflow.db")
    return home


def _make_database(home: Path) -> None:
    answer = answer_of(python("-c", MAKER, str(home), environment=Workspace(home).environment))
    assert answer.code == 0, answer


def fill(home: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Fill a new home as `make` does. The home of this name is made once for all workers; each has a copy of its own.

    With `-m promise` nothing is copied.
    """
    if SHARED:
        shutil.copytree(_made_once(name, make), home, dirs_exist_ok=True)
    else:
        make(home)
    return home


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name that all workers share; the first who asks makes it, and nobody changes it."""
    made = SHARED[-1] / name
    with FileLock(f"{made}.lock"):
        if not made.exists():
            half = Path(tempfile.mkdtemp(dir=made.parent))
            make(half)
            half.rename(made)
    return made


SHARED: list[Path] = []


def python(*words: str, environment: dict[str, str] | None = None) -> Process:
    """Start `python` with these words, `-m` or `-c` first. Without `-m promise` it finds the libraries loaded."""
    environment = environment or plain_environment()
    if SHARED and not the_zygote().not_served(environment):
        return the_zygote().start(words, cwd=ROOT, environment=environment)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def answer_of(process: Process, seconds: float = 900) -> Answer:
    """What a process printed until its end, which it must come to in so many seconds; the cores may be others'."""
    out, err = process.communicate(timeout=seconds)
    return Answer(process.returncode, out, err)


@functools.cache
def the_zygote() -> Zygote:
    """This worker's line to the one process that all workers have."""
    return Zygote.of_session(plain_environment(), SHARED[-1])


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[None]:
    """Where all workers of a session find what is made once for them; with `-m promise` every home makes its own."""
    own = tmp_path_factory.getbasetemp()
    if not in_full(pytestconfig) and hasattr(os, "pidfd_open"):  # elsewhere each command has a new interpreter
        SHARED.append(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
        multiprocessing.util.spawnv_passfds = _forking_servers(multiprocessing.util.spawnv_passfds)
    yield
    if the_zygote.cache_info().currsize:
        the_zygote().close()


def _forking_servers(spawn: Any) -> Any:
    """`spawn`, but this worker's fork server finds everything loaded, as commands do."""

    def start(path: bytes, args: Sequence[str], passed: Sequence[int]) -> int:
        if "multiprocessing.forkserver" not in args[-1]:
            return int(spawn(path, args, passed))
        return the_zygote().start_server(args[-1], passed)

    return start


SLOW = '''"""A linear layer that takes its time, so that a test can act while it trains."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=6)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import time

    from torch import nn

    class Slow(nn.Linear):
        def forward(self, pixels):
            time.sleep(0.01)
            return super().forward(pixels)

    return nn.Sequential(nn.Flatten(), Slow(784, 10))
'''


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty home beside a folder of experiments named by SUITE_EXPERIMENTS, which holds `slow`."""
    home, experiments = tmp_path / "home", tmp_path / "own"
    home.mkdir()
    experiments.mkdir()
    (experiments / "slow.py").write_text(SLOW)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(experiments)})


@pytest.fixture
def in_process(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Give a command in the workspace, to this process: for what is refused before others are started."""

    def give(*words: str, within: Workspace = workspace) -> Answer:
        from suite.cli import main

        for name in {*os.environ} - {*within.environment}:
            monkeypatch.delenv(name)
        for name, value in within.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(within.home)
        monkeypatch.setattr(sys, "argv", ["suite", *words])
        ending = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = main(words)
        finally:
            for number, handler in ending.items():
                signal.signal(number, handler)
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return give


def assert_refused(answer: Answer, code: int, *words: str) -> None:
    """One line on stderr that holds all of `words`, nothing on stdout, no traceback, the exit code."""
    assert (answer.code, answer.out) == (code, ""), answer
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("suite: ")
    for word in words:
        assert word in answer.err, (word, answer.err)


def assert_interrupted(process: Process, *words: str) -> None:
    """Press Ctrl-C in the command's terminal: one line on stderr that holds all of `words`, and exit code 130."""
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), (process.returncode, out, err)
    assert len(err.splitlines()) == 1, err
    assert err.startswith("suite: interrupted; ")
    for word in words:
        assert word in err, (word, err)


LONGEST = 6 * 3600  # seconds for a check with -m promise that has no limit of its own: ten minutes end a large N
LATER = ("slow", "mlflow", "packages", "studies", "commands", "browser", "promise", "benchmark")


def in_full(config: pytest.Config) -> bool:
    """Whether each promise is put to the test as often as it was given."""
    return bool(config.getoption("-m") == "promise")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more process than cores, because some tests wait; one alone where times are judged or measured."""
    measured = config.getoption("benchmark_enable", False) or config.getoption("benchmark_only", False)
    return 0 if in_full(config) or measured else len(os.sched_getaffinity(0)) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Also keep torch to one thread: with more processes than cores, threads wait for each other in busy loops."""
    config.pluginmanager.register(Tables(), "tables")
    if not in_full(config):
        os.environ.update(ONE_THREAD)
        gc.disable()


def pytest_collection_finish() -> None:
    """From now on look for garbage again, and never among the tests and libraries, because they stay to the end."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for `-m promise` alone, or give it time. First what is fast, last what needs the browser."""

    def rank(item: pytest.Item) -> int:
        return max((LATER.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in LATER), default=0)

    lost = [item.nodeid for item in items if item.get_closest_marker("full") and not item.get_closest_marker("promise")]
    if lost:
        raise pytest.UsageError(f"marked as full but not as promise, so never run: {', '.join(lost)}")
    if in_full(config):
        for item in items:
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(LONGEST))
    else:
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With SUITE_NO_SKIPS a test may not be skipped because something "is not installed": there, all of it can be."""
    report = yield
    if report.skipped and os.environ.get("SUITE_NO_SKIPS") and "is not installed" in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.fixture
def draws(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """How often to simulate: as often as is given with `-m promise`, else 300 times at most."""
    return lambda full: full if in_full(pytestconfig) else min(full, 300)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A line for the end of the session, with what a test has measured."""
    return request.config.pluginmanager.get_plugin("tables").figures.append
