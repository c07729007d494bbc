"""The pictures of networks' inside in a report: beside the others, or a line that says why there is none."""

import pytest

from suite.pictures import canvas
from suite.pictures.cache import Kept
from suite.pictures.drawing import Drawing
from suite.reporting.figures import Album, add_pictures


def test_a_group_has_the_picture_of_its_inside_or_the_reason_why_not(make_group, tmp_path):
    first, second, third = (make_group(experiment=name) for name in ("one", "other", "third"))
    album = Album(tmp_path)

    found = add_pictures([first, second, third], album, {"one": b"a PNG", "other": "No data."})

    assert found["one"][-1].path.read_bytes() == b"a PNG"
    assert found["one"][-1].caption == "one: the inside of the network, seed 0."
    assert [len(found[name]) for name in ("one", "other")] == [len(found["third"]) + 1] * 2
    assert [name for name, _, drawing in album._missing if drawing.draw is canvas.notice] == ["other-inside"]


def small():
    """A picture that is quickly drawn."""
    return canvas.notice("small")


def impossible():
    """A picture that cannot be drawn."""
    raise ValueError


@pytest.mark.parametrize("draw", [small, impossible])
def test_one_that_is_not_kept_yet_is_drawn_with_the_others_as_a_png_alone_and_then_kept(make_group, tmp_path, draw):
    kept = Kept(tmp_path / "kept")
    album = Album(tmp_path / "pictures", kept)

    found = add_pictures([make_group(experiment="one")], album, {"one": ("its key", Drawing(draw, (), ["png"]))})
    album.finish()

    drawn = found["one"][-1]
    assert drawn.path == drawn.png
    assert drawn.path.read_bytes().startswith(b"\x89PNG")
    assert not drawn.path.with_suffix(".svg").exists()
    assert kept.find("its key", ["png"]) == ({"png": drawn.path.read_bytes()} if draw is small else None)
