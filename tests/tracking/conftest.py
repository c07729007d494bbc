"""A real MLflow store, and runs trained for it."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from suite.data import ensure, load
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.engine.events import EpochEnded, Step
from suite.engine.train import train
from suite.recipe.experiment import Experiment
from suite.tracking.mirror import Mirror
from suite.tracking.recorder import prepare
from suite.tracking.store import Store, open_store
from tests.conftest import furnish
from tests.engine.conftest import small_experiment

Train = Callable[..., Run]


class Stop(Exception):
    """Stops a run in the middle."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(furnish(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def store(home: Home) -> Store:
    return open_store(home)


@pytest.fixture(scope="module")
def folder() -> Path:
    return ensure("digits", say=lambda _: None)


@pytest.fixture
def trained(home: Home, folder: Path, request: pytest.FixtureRequest) -> Train:
    """Trains a run with the name of the test, so tests share a store but no runs. Stops after `stop_after` epochs."""
    name = "".join(letter for letter in request.node.name if letter.isalnum())[:40].lower()

    def make(seed: int = 0, stop_after: int | None = None, **fields: object) -> Run:
        small: Experiment = replace(small_experiment(**fields), name=name, network_text=name)
        run = Run.under(home.runs, name, small.identity, seed)

        def emit(event: Step | EpochEnded) -> None:
            if isinstance(event, EpochEnded) and event.epoch["epoch"] + 1 == stop_after:
                raise Stop

        with run.claim(), contextlib.suppress(Stop):
            train(run, small, load("digits", folder), emit)
        return run

    return make


@pytest.fixture
def send(store: Store, folder: Path) -> Callable[..., str]:
    """Sends a run to the store, as a new process without knowledge of earlier ones."""

    def to_store(run: Run, status: str = "running") -> str:
        return Mirror(store).send(run, prepare(run, lambda _: folder), status)

    return to_store
