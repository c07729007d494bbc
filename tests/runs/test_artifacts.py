"""The pictures of a finished run: what cannot be drawn is left out, named, and drawn later."""

import pytest

from suite.data import ensure
from suite.engine.train import train
from suite.runs import artifacts
from tests.engine.conftest import digits, experiment, run_of  # noqa: F401  fixtures

PICTURES = {"network.png", "curves.png", "confusion.png", "samples.png"}


@pytest.fixture(autouse=True)
def blank(monkeypatch):
    """Figures are made but not painted, which takes longest."""
    monkeypatch.setattr(artifacts.canvas, "image", lambda _figure, kind: kind.encode())


@pytest.fixture
def finished(experiment, run_of, digits):  # noqa: F811
    small = experiment(epochs=1)
    run = run_of(small)
    with run.claim():
        train(run, small, digits, lambda _: None)
    return run


def folder(name):
    return ensure(name, say=lambda _: None)


def made(run):
    return {path.name for path in (run.folder / "artifacts").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["confusion", "samples", "curves"])
def test_a_picture_that_cannot_be_drawn_is_left_out_and_drawn_later(name, finished, monkeypatch):
    def fail(*_):
        raise ValueError("too\nlarge")

    with monkeypatch.context() as broken:
        broken.setattr(artifacts.pictures, name, fail)
        artifacts.make(finished, folder)

    assert PICTURES - made(finished) == {f"{name}.png"}
    assert {"history.csv", "confusion.csv", "layers.csv"} <= made(finished)
    assert f"small-s0 is finished, without {name}.png (ValueError: too large)" in artifacts.undrawn(finished)
    assert artifacts.undrawn_in(finished.folder.parent.parent) == {finished.folder}

    artifacts.make(finished, folder)

    assert made(finished) >= PICTURES
    assert artifacts.undrawn(finished) == ""
    assert artifacts.undrawn_in(finished.folder.parent.parent) == set()


def test_only_the_samples_need_the_data(finished):
    def away(_name):
        raise OSError("no network")

    artifacts.make(finished, away)

    assert PICTURES - made(finished) == {"samples.png"}
