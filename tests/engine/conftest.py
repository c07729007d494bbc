"""Digits in memory, and experiments small enough to train inside a test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.data import Data, ensure, load
from suite.disk.journal import Run
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment

SMALL = {
    "data": "digits", "loss": "cross-entropy", "optimizer": "adam", "lr": 0.01, "batch_size": 100, "epochs": 3,
}  # fmt: skip


def with_dropout():
    """A network whose training draws random numbers in every step."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 10))


@pytest.fixture(scope="session")
def digits() -> Data:
    return load("digits", ensure("digits", say=lambda _: None))


def small_experiment(network=with_dropout, **fields: object) -> Experiment:
    """A small experiment on the digits; keywords are recipe fields, `network` its network."""
    recipe = Recipe(**{**SMALL, **fields})
    return Experiment("small", Path("small.py"), recipe, network, "the network's text")


@pytest.fixture
def experiment() -> Callable[..., Experiment]:
    return small_experiment


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., Run]:
    """The folder of a run of an experiment, under a place of its own."""

    def make(experiment: Experiment, seed: int = 0, under: str = "runs") -> Run:
        return Run.under(tmp_path / under, experiment.name, experiment.identity, seed)

    return make
