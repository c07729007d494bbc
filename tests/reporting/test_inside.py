"""The pictures of networks' inside in a report: beside the others, or a line that says why there is none."""

from suite.pictures import canvas
from suite.reporting.figures import Album, add_pictures


def test_a_group_has_the_picture_of_its_inside_or_the_reason_why_not(make_group, tmp_path):
    first, second, third = (make_group(experiment=name) for name in ("one", "other", "third"))
    album = Album(tmp_path)

    found = add_pictures([first, second, third], album, {"one": b"a PNG", "other": "No data."})

    assert found["one"][-1].path.read_bytes() == b"a PNG"
    assert found["one"][-1].caption == "one: the inside of the network, seed 0."
    assert [len(found[name]) for name in ("one", "other")] == [len(found["third"]) + 1] * 2
    assert [name for name, _, (draw, _) in album._missing if draw is canvas.notice] == ["other-inside"]
