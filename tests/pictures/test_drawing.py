"""Pictures drawn side by side: all of them, the bytes that one process gives, and none lost with a process."""

import errno
import os
import signal

import numpy as np
import pytest

from suite.pictures import drawing
from suite.pictures import runs as pictures
from suite.pictures.cache import Kept
from suite.pictures.drawing import FEW, Drawing, draw_all, images_of
from suite.reporting.figures import Album

pytestmark = pytest.mark.slow

MANY = [Drawing(pictures.confusion, (np.eye(2) * number, ("one", "other"))) for number in range(1, FEW + 4)]


def killed(parent, number):
    """A picture that ends the process that draws it, unless that is the one that asked for it."""
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return pictures.confusion(np.eye(2) * number, ("one", "other"))


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(drawing, "available_cores", lambda: 2)


@pytest.fixture(scope="module")
def expected():
    return {index: images_of(one.draw(*one.numbers)) for index, one in enumerate(MANY)}


@pytest.mark.usefixtures("two_cores")
def test_processes_beside_each_other_draw_the_bytes_that_one_draws(expected):
    found = list(draw_all(MANY))

    assert len(found) == len(MANY)
    assert dict(found) == expected


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills no process by a signal")
@pytest.mark.usefixtures("two_cores")
def test_what_a_killed_process_owes_is_drawn_all_the_same(expected):
    some = [Drawing(killed, (os.getpid(), index + 1)) if index in (3, 4) else one for index, one in enumerate(MANY)]

    assert dict(draw_all(some)) == expected


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.usefixtures("two_cores")
def test_where_no_process_can_be_had_they_are_drawn_all_the_same(monkeypatch, expected):
    def refused(*_words, **_options):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("multiprocessing.popen_spawn_posix.Popen", refused)

    assert dict(draw_all(MANY)) == expected


@pytest.mark.usefixtures("two_cores")
def test_few_are_drawn_without_another_process(monkeypatch, expected):
    monkeypatch.setattr(drawing, "LocalProcesses", None)  # called, it would fail

    assert dict(draw_all(MANY[:FEW])) == {index: expected[index] for index in range(FEW)}


def impossible():
    """A picture that cannot be drawn anywhere."""
    raise ValueError


@pytest.mark.usefixtures("two_cores")
def test_a_picture_that_cannot_be_drawn_costs_no_other(expected):
    some = [Drawing(impossible, ()) if index == 3 else one for index, one in enumerate(MANY)]

    assert dict(draw_all(some)) == {**expected, 3: None}


def test_a_report_says_which_picture_is_missing_and_does_not_keep_that(tmp_path):
    album = Album(tmp_path / "pictures", Kept(tmp_path / "kept"))

    shown = album.add("one", "A picture.", impossible)
    album.finish()

    assert "could not be drawn" in shown.path.read_text()
    assert shown.png.exists()
    assert not (tmp_path / "kept").exists()
