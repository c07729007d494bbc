"""`gallery`: the inside of a finished run's network as pictures."""

import base64
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import suite
from suite import data, html
from suite.api.inspecting import sheets
from suite.disk.journal import Run
from suite.pictures.cache import Kept
from suite.pictures.canvas import own_style
from suite.pictures.drawing import images_of
from tests.conftest import SLOW, Workspace, assert_refused
from tests.three_runs import trained

pytestmark = pytest.mark.commands
QUICK = SLOW.replace("sleep(0.01)", "sleep(0)")
COLOUR = '''
from suite.recipe import Recipe

recipe = Recipe(data="blots", loss="cross-entropy", optimizer="sgd", lr=0.5, batch_size=20, epochs=1)


def network(shape, classes):
    """Map images to scores."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, classes))
'''


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A home with a linear run on the digits, a convolutional one on colours, and one that diverged."""
    return trained(
        tmp_path_factory.mktemp("gallery"),
        pen=QUICK.replace("epochs=6", "epochs=1"),
        wild=QUICK.replace("lr=0.1", "lr=1e30").replace("cross-entropy", "mse-one-hot"),
        colour=COLOUR,
    )


def test_the_pictures_are_written_named_and_the_same_every_time(kept, tmp_path):
    first = kept.suite("gallery", "pen-s0")
    again = kept.suite("gallery", "pen-s0", "--image", "0", "--to", str(tmp_path / "new" / "folder"))

    folder = kept.home / "reports" / "gallery" / "pen-s0"
    names = ["filters", "activations", "wrong", "pca", "tsne", "graph"]
    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert [line.split(": ")[0] for line in first.out.splitlines()] == [str(folder / f"{name}.png") for name in names]
    assert [line.split(": ")[1] for line in first.out.splitlines()] == [
        line.split(": ")[1] for line in again.out.splitlines()
    ]
    for name in names:
        made = (folder / f"{name}.png").read_bytes()
        assert made == (tmp_path / "new" / "folder" / f"{name}.png").read_bytes()
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.width > 300


def test_the_numbers_are_those_of_the_run(kept, tmp_path, monkeypatch, capfd):
    for name, value in kept.environment.items():
        monkeypatch.setenv(name, value)
    session = suite.Session.open(experiments=[kept.home.parent / "own"])
    [run] = kept.home.glob("mlruns/runs/pen/*/")
    stored, weights = load_file(run / "predictions.safetensors"), load_file(run / "weights.safetensors")
    images = data.test_images("digits", data.ensure("digits"))

    found = suite.gallery("pen-s0", image=7, to=tmp_path, session=session)
    inside, shown = found.inside, found._repr_html_()

    assert [shown.count(f'alt="{html.escaped(one.says)}"') for one in found.pictures] == [1] * 6
    assert base64.b64encode((tmp_path / "pca.png").read_bytes()).decode() in shown
    assert [found.to_dict()["pictures"], found.frame()["name"].tolist()] == [
        [one.facts() for one in found.pictures], [one.name for one in found.pictures],
    ]  # fmt: skip
    wrong = np.flatnonzero(stored["predicted"] != stored["label"])
    surest = sorted(wrong.tolist(), key=lambda number: -stored["confidence"][number])[:20]
    assert [one.image for one in inside.wrong] == surest
    assert inside.mistakes == len(wrong)
    assert np.array_equal(inside.chosen.pixels, images[7])
    [matrix] = [value for value in weights.values() if value.ndim == 2]
    assert np.array_equal(inside.weights.values, matrix.reshape(10, 1, 28, 28))
    assert inside.weights.templates
    scores = matrix @ (images[7].reshape(-1) / 255) + next(value for value in weights.values() if value.ndim == 1)
    assert np.allclose(inside.activations[-1].values, scores, atol=1e-4)
    assert inside.embedding.pixels
    assert inside.embedding.features == 784
    assert capfd.readouterr() == ("", "")


def test_colour_is_shown_in_colour_and_what_there_is_not_is_said(kept, tmp_path):
    answer = kept.suite("gallery", "colour-s0", "--to", str(tmp_path), "--json").json

    assert answer["wrong"] == []
    assert answer["remarks"] == ["No test image is wrong, so there is no picture of mistakes."]
    assert [one["name"] for one in answer["pictures"]] == ["filters", "activations", "pca", "tsne", "graph"]
    assert [answer["embedding"][name] for name in ("layer", "features", "pixels", "images")] == [
        "3 Linear",
        144,
        False,
        20,
    ]
    assert answer["embedding"]["explained"][0] == pytest.approx(1)
    assert [one["kind"] for one in answer["graph"]["nodes"]] == ["image", "Conv2d 3×3", "ReLU", "Flatten", "Linear"]
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("pen-s7",), "there is no finished run 'pen-s7'; did you mean pen-s0?"),
        (("wild-s0",), "wild-s0 diverged, so it has no weights. Choose another run."),
        (
            ("colour-s0", "--image", "20"),
            "--image: colour-s0 was tested on the images 0 to 19, got 20. Choose one of them.",
        ),
        (("pen-s0", "--image", "-1"), "argument --image: expected"),
        (("pen-s0", "--to", "FILE"), "is no folder. Name a folder; it is made if it does not exist."),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(kept, in_process, words, line):
    (kept.home / "file").write_text("")
    given = [word.replace("FILE", str(kept.home / "file")) for word in words]

    assert_refused(in_process("gallery", *given, within=kept), 2, line)


def test_a_run_whose_weights_or_network_are_gone_is_refused(kept, in_process, tmp_path):
    shutil.copytree(kept.home.parent, tmp_path / "copy")
    own = tmp_path / "copy" / "own"
    copy = Workspace(tmp_path / "copy" / "home", {**kept.extra, "SUITE_EXPERIMENTS": str(own)})
    [folder] = copy.home.glob("mlruns/runs/pen/*/")

    (own / "pen.py").write_text(
        (own / "pen.py").read_text().replace("nn.Flatten(), Slow", "nn.Flatten(), nn.ReLU(), Slow")
    )
    assert_refused(in_process("gallery", "pen-s0", within=copy), 2, "pen.py has another network")
    (folder / "weights.safetensors").unlink()
    assert_refused(in_process("gallery", "pen-s0", within=copy), 2, "weights.safetensors is damaged: it is missing")


@pytest.fixture
def shown(kept, tmp_path, monkeypatch):
    """`sheets` of a report for the runs of the home, with what each needs of a group; the fields can be changed."""
    for name, value in kept.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SUITE_GALLERY")
    session = suite.Session.open(experiments=[kept.home.parent / "own"])

    def shown(name="colour", kept_in=tmp_path / "kept", **changed):
        [folder] = kept.home.glob(f"mlruns/runs/{name}/*/")
        facts, run = json.loads((folder / "result.json").read_text()), Run.at(folder)
        fields = {"experiment": name, "identity": run.identity, "seeds": (0,), "slug": name,
                  "runs": ({"weights_sha256": facts["weights_sha256"]},)}  # fmt: skip
        return sheets(session, [SimpleNamespace(**{**fields, **changed})], Kept(kept_in))

    return shown


def test_a_report_has_a_small_picture_of_the_first_seed_that_is_made_once(shown, tmp_path, monkeypatch):
    key, drawing = shown()["colour"]
    with own_style():
        first = images_of(drawing.draw(*drawing.numbers), drawing.kinds)
    Kept(tmp_path / "kept").keep(key, first)

    def again(*_):
        raise AssertionError("it was computed again")

    monkeypatch.setattr("suite.runs.asking.ask_all", again)

    assert [*first] == ["png"]
    assert first["png"].startswith(b"\x89PNG")
    assert len(first["png"]) < 20_000
    assert shown()["colour"] == first["png"]
    with pytest.raises(AssertionError, match="again"):
        shown(kept_in=None)


def test_a_report_says_in_a_line_why_a_picture_is_missing(shown, monkeypatch):
    assert "other weights than the record" in shown(runs=({"weights_sha256": "0" * 64},))["colour"]
    monkeypatch.setattr("suite.data.cached", lambda _name: None)
    assert "is not here. See python -m suite data." in shown()["colour"]


def test_a_report_has_none_for_a_run_of_another_home_and_none_where_it_is_not_wanted(shown, monkeypatch):
    assert shown(seeds=(7,)) == {}
    monkeypatch.setenv("SUITE_GALLERY", "no")
    assert shown() == {}
