"""Pictures kept from report to report: the very bytes of a new drawing, and drawn anew as soon as anything differs."""

import numpy as np
import pytest

from suite.pictures import runs as pictures
from suite.pictures.cache import Kept
from suite.reporting.figures import Album

pytestmark = pytest.mark.slow

COUNTS = np.array([[5.0, 1.0], [0.0, 4.0]])
CLASSES = ("one", "other")


class Drawing:
    """A confusion matrix drawn with the real thing, counting how often."""

    __name__ = "confusion"

    def __init__(self):
        self.times = 0

    def __call__(self, *numbers):
        self.times += 1
        return pictures.confusion(*numbers)


@pytest.fixture
def drawing():
    return Drawing()


@pytest.fixture
def images(tmp_path):
    """What an album of its own puts on the disk: a picture's bytes, by kind."""

    def images(kept, draw, *numbers):
        album = Album(tmp_path / "album", kept)
        picture = album.add("picture", "A picture.", draw, *numbers)
        album.finish()
        found = {path.suffix: path.read_bytes() for path in (picture.path, picture.png)}
        picture.path.unlink()
        picture.png.unlink()
        return found

    return images


def test_the_same_numbers_are_drawn_once_and_have_the_bytes_of_a_new_drawing(tmp_path, drawing, images):
    first = images(Kept(tmp_path / "kept"), drawing, COUNTS, CLASSES)
    again = images(Kept(tmp_path / "kept"), drawing, COUNTS.copy(), CLASSES)

    assert drawing.times == 1
    assert first == again == images(None, drawing, COUNTS, CLASSES)
    assert set(first) == {".svg", ".png"}
    assert drawing.times == 2


def test_other_numbers_names_or_code_are_drawn_anew(tmp_path, drawing, monkeypatch, images):
    kept = Kept(tmp_path)
    images(kept, drawing, COUNTS, CLASSES)
    images(kept, drawing, COUNTS + np.eye(2), CLASSES)
    images(kept, drawing, COUNTS, ("one", "third"))
    monkeypatch.setattr(Kept, "_drawer", ["another program"])
    images(Kept(tmp_path), drawing, COUNTS, CLASSES)

    assert drawing.times == 4


@pytest.mark.parametrize("damage", [lambda _: b"", lambda old: old[:-1], lambda old: old[:-1] + b"\0"])
def test_a_damaged_picture_is_drawn_anew(tmp_path, drawing, damage, images):
    whole = images(Kept(tmp_path), drawing, COUNTS, CLASSES)
    [path] = tmp_path.glob("*.png")
    path.write_bytes(damage(path.read_bytes()))

    assert images(Kept(tmp_path), drawing, COUNTS, CLASSES) == whole
    assert drawing.times == 2
    assert images(Kept(tmp_path), drawing, COUNTS, CLASSES) == whole
    assert drawing.times == 2


def test_what_nobody_asked_for_is_forgotten(tmp_path, drawing, images):
    before = Kept(tmp_path)
    images(before, drawing, COUNTS, CLASSES)
    images(before, drawing, COUNTS + 1, CLASSES)
    (tmp_path / "a user's own.txt").write_text("stays")

    after = Kept(tmp_path)
    images(after, drawing, COUNTS, CLASSES)
    after.forget_unused()

    assert len(list(tmp_path.glob("*.svg"))) == len(list(tmp_path.glob("*.png"))) == 1
    assert (tmp_path / "a user's own.txt").exists()
    Kept(tmp_path / "nowhere").forget_unused()
