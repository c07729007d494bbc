"""The harness of the promises: counted cases, seeded chance, small runs in warm processes, and unbroken twins."""

import os
import random
import shutil
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from suite.data import ensure, frozen
from suite.disk.journal import Run
from suite.engine import exact
from suite.execute.executor import Work
from suite.execute.processes import run_jobs
from suite.recipe import registry
from suite.runs.worker import Job, work
from tests.conftest import ROOT, Workspace, in_full
from tests.events import plain
from tests.own_functions import AUGMENT, LOSS, OPTIMIZER, SCHEDULE, SCORE, text
from tests.promises.colours import colour, forget, write_tints
from tests.tables import SEED, Check

Event = dict[str, Any]


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """The check that the test's mark `check(number, title)` names; tests of one number add up."""
    number, title = request.node.get_closest_marker("check").args
    return request.config.pluginmanager.get_plugin("tables").check(number, title, full=in_full(request.config))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Randomness that SUITE_SEED repeats, of the test's own."""
    return random.Random(f"{SEED}/{request.node.name}")


COPIED = ("suite", "experiments", "tests", "docs", "pyproject.toml", "README.md", "AGENTS.md", "llms.txt")


def copy_program(folder: Path) -> Path:
    """Put the program and its tests into a folder, to plant faults in; returns the folder."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


PLAIN = '''"""A linear layer with momentum."""

from suite.recipe import Recipe

recipe = Recipe(
    data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, momentum=0.9, batch_size=100, epochs=3,
)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''

CHOOSY = '''"""What a checkpoint must hold: Adam's state, dropout's draws, batch norm's buffers, best weights."""

from suite.recipe import Recipe

recipe = Recipe(
    data="digits", loss="cross-entropy", optimizer="adam", lr=0.003, batch_size=50, epochs=4,
    holdout=0.2, keep="best", probe_every=10, probe_images=100,
)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10),
    )
'''

KINDS = ("plain", "choosy")
OWN = text(LOSS, OPTIMIZER, SCHEDULE, AUGMENT, SCORE, augment="crop2,own", average=0.9, holdout=0.3, keep="best")
ALL_KINDS = (*KINDS, "own", "colour")


@dataclass(frozen=True)
class Bench:
    """Small experiments and places to train them in: through the worker that `run` uses, without its command line."""

    own: Path
    data: Path
    top: Path

    def run(self, name: str, home: Path, seed: int = 0, **overrides: Any) -> Run:
        """The run of an experiment in a home that need not exist yet."""
        experiment = registry.load([self.own]).choose([name])[0].changed(overrides)
        return Run.under(home / "mlruns" / "runs", name, experiment.identity, seed)

    def job(self, run: Run, **overrides: Any) -> Job:
        """What the worker is told of a run."""
        data = registry.load([self.own]).choose([run.experiment])[0].changed(overrides).recipe.data
        return Job(run, frozen.folder_of(data) if frozen.is_own(data) else self.data, overrides, (self.own,))

    def work(self, jobs: Sequence[Job], *, by: Work = work, workers: int = 2) -> list[list[Event]]:
        """Do each job in a fresh process forked from a warm one; returns each job's events, `ended` the last."""
        events: list[list[Event]] = [[] for _ in jobs]
        for index, event in run_jobs(
            by, jobs, workers=workers, environment=exact.ENVIRONMENT, preload="suite.engine.preload"
        ):
            events[index].append(plain(event))
        return events

    def home(self, name: str) -> Path:
        """An empty folder to be a SUITE_HOME."""
        place = self.top / name
        place.mkdir(parents=True)
        return place


def last(events: list[Event], kind: str) -> Event | None:
    """The last event of a kind that a job sent."""
    return next((event for event in reversed(events) if event["event"] == kind), None)


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the experiments `plain`, `choosy` and `own`."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "plain.py").write_text(PLAIN)
    (folder / "choosy.py").write_text(CHOOSY)
    (folder / "own.py").write_text(OWN)
    return folder


@pytest.fixture(scope="session")
def digits() -> Path:
    """The folder of the digits in the user's cache."""
    return ensure("digits", say=lambda _: None)


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bench]:
    """The experiment `colour`, in a folder of its own with the file of its data; its set is in the user's cache."""
    folder = tmp_path_factory.mktemp("colours")
    (folder / "colour.py").write_text(colour())
    yield Bench(folder, write_tints(folder), tmp_path_factory.mktemp("in-colour"))
    forget(folder)


@pytest.fixture
def in_colour(colours: Bench, tmp_path: Path) -> Bench:
    return Bench(colours.own, colours.data, tmp_path / "colour")


@pytest.fixture
def bench(own: Path, digits: Path, tmp_path: Path) -> Bench:
    return Bench(own, digits, tmp_path)


@pytest.fixture
def commands(bench: Bench) -> Callable[..., Workspace]:
    """A workspace of a name for real commands, in which `plain` and `choosy` are known beside the suite's own."""

    def make(name: str = "home", **environment: str) -> Workspace:
        return Workspace(bench.home(name), {"SUITE_EXPERIMENTS": str(bench.own), **environment})

    return make


Twin = tuple[dict[str, Any], list[dict[str, Any]]]


def told(run: Run) -> Twin:
    """Everything of a finished run that must be the same each time: its result and its history, the clock apart."""
    result, history = run.result(), run.history()
    assert result is not None, f"{run.folder} has no result"
    run.check_files()
    result = {key: value for key, value in result.items() if key not in ("clock", "files", "environment")}
    return result, [{key: value for key, value in record.items() if key != "clock"} for record in history]


@pytest.fixture(scope="session")
def twins(own: Path, digits: Path, colours: Bench, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Twin]:
    """What each kind comes to when nothing breaks it."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("twins"))
    benches = {kind: colours if kind == "colour" else bench for kind in ALL_KINDS}
    runs = {kind: there.run(kind, bench.top) for kind, there in benches.items()}
    bench.work([benches[kind].job(run) for kind, run in runs.items()])
    return {kind: told(run) for kind, run in runs.items()}


@pytest.fixture(scope="session", autouse=True)
def _said() -> Generator[None]:
    """Nothing of the user's decides what is tested."""
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("MLFLOW_", "SUITE_EXP"))}
    yield
    os.environ.update(before)
