"""`predict`: a finished run's network looks at pictures that people made."""

import json
import shutil
import time

import pytest
from PIL import Image
from safetensors.numpy import load_file

import suite
from suite import data
from suite.disk.journal import Run
from tests.conftest import SLOW, Workspace, assert_interrupted, assert_refused
from tests.predicting import handmade
from tests.three_runs import trained

pytestmark = pytest.mark.commands
QUICK = SLOW.replace("sleep(0.01)", "sleep(0)").replace("lr=0.1", "lr=0.5")
BY_KERNELS = QUICK.replace("Slow(784, 10)", "nn.Linear(784, 10)")
SQUARED = (
    BY_KERNELS.replace("cross-entropy", "mse-one-hot")
    .replace("nn.Linear(784, 10)", "nn.Linear(784, 10), Tall()")
    .replace(
        "    class Slow",
        """    class Tall(nn.Module):
        def forward(self, scores):
            return scores if self.training else scores * 9  # several of one image above 1

    class Slow""",
    )
)
WAITING = QUICK.replace(
    "            time.sleep(0)\n",
    """            place = __import__("pathlib").Path("MARKS")
            if (place / "wait").exists():
                (place / "begun").touch()
                time.sleep(600)
""",
)
COLOUR = QUICK.replace('data="digits"', 'data="blots"').replace("784", "192").replace("10)", "2)")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A home with a run on the digits, one on colours and one that diverged; and ten pages written by hand."""
    top = tmp_path_factory.mktemp("predict")
    (top / "pages").mkdir()
    handmade.write_all(top / "pages")
    wild = QUICK.replace("lr=0.5", "lr=1e30").replace("cross-entropy", "mse-one-hot")
    waiting = WAITING.replace("MARKS", str(top))
    return trained(top, pen=QUICK, wild=wild, colour=COLOUR, fast=BY_KERNELS, squared=SQUARED, waiting=waiting)


@pytest.fixture
def pages(kept):
    return kept.home.parent / "pages"


def right(answer):
    """How many pages were given their digit."""
    return sum(one["class"] == one["picture"][-5] for one in answer.json["pictures"])


def test_pages_written_by_hand_are_read_with_the_correction_and_not_without(kept, pages, tmp_path):
    corrected = kept.suite("predict", "pen-s0", str(pages), "--json", "--picture", str(tmp_path / "seen.png"))
    as_is = kept.suite("predict", "pen-s0", str(pages), "--json", "--as-is")

    assert (corrected.code, as_is.code) == (0, 0)
    assert right(corrected) >= 7
    assert right(as_is) <= 2
    first = corrected.json["pictures"][0]
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["probability"] == max(first["probabilities"].values())
    assert {one["what"] for one in first["differences"] if one["corrected"]} == {
        "polarity", "range", "margins", "proportions",
    }  # fmt: skip
    assert not any(one["corrected"] for page in as_is.json["pictures"] for one in page["differences"])
    with Image.open(tmp_path / "seen.png") as seen:
        assert seen.width > 1_000


def test_the_table_names_class_probability_and_what_was_corrected(kept, pages):
    answer = kept.suite("predict", "pen-s0", str(pages / "page0.png"))

    remark, head, row = answer.out.splitlines()
    assert "page0.png: 1748 × 1240 pixels, scaled to 28 × 28" in remark
    assert "dark on light, training light on dark (corrected)" in remark
    assert head.split()[:3] == ["picture", "class", "probability"]
    assert row.split()[0] == "page0.png"
    assert row.endswith("proportions, polarity, range, margins")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """All test images of the digits as PNG, in their order."""
    folder = tmp_path_factory.mktemp("saved")
    for number, one in enumerate(data.test_images("digits", data.ensure("digits"))[:, 0]):
        Image.fromarray(one).save(folder / f"{number:03}.png")
    return folder


@pytest.mark.parametrize(("name", "way"), [("fast", "kernels"), ("pen", "torch: "), ("squared", "torch: ")])
def test_test_images_saved_as_png_get_the_stored_predictions_from_python(kept, saved, monkeypatch, capfd, name, way):
    for variable, value in kept.environment.items():
        monkeypatch.setenv(variable, value)
    session = suite.Session.open(experiments=[kept.home.parent / "own"])
    [run] = kept.home.glob(f"mlruns/runs/{name}/*/predictions.safetensors")

    found = suite.predict(f"{name}-s0", saved, session=session)

    stored = load_file(run)
    assert json.loads((run.parent / "result.json").read_text())["environment"]["way"].startswith(way)
    assert [one.path for one in found.predictions] == sorted(saved.iterdir())
    assert [int(one.predicted) for one in found.predictions] == stored["predicted"].tolist()
    likely = [one.probabilities[one.predicted] for one in found.predictions]
    assert likely == stored["confidence"].tolist()  # to the last bit: the same way, and torch gets the same batches
    assert [one.row()[1] for one in found.predictions] == [one.predicted for one in found.predictions]
    assert capfd.readouterr() == ("", "")


def test_a_picture_alone_gets_the_kernels_bits_too(kept, saved):
    [run] = kept.home.glob("mlruns/runs/fast/*/predictions.safetensors")

    answer = kept.suite("predict", "fast-s0", str(saved / "007.png"), "--json")

    assert answer.json["pictures"][0]["probability"] == load_file(run)["confidence"][7]


def test_colour_is_resized_only_and_said_so(kept, tmp_path):
    for name, colour in (("a", (190, 10, 0)), ("b", (0, 10, 220))):
        Image.new("RGB", (90, 90), colour).save(tmp_path / f"{name}.jpg")

    answer = kept.suite("predict", "colour-s0", str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg"), "--json")
    shown = kept.suite("predict", "colour-s0", str(tmp_path / "a.jpg"))

    assert [one["class"] for one in answer.json["pictures"]] == ["red", "blue"]
    assert not answer.json["compared"]
    assert [[one["what"] for one in page["differences"]] for page in answer.json["pictures"]] == [["size"]] * 2
    assert "were not compared" in shown.out


def test_what_is_no_picture_is_named_and_the_others_are_predicted(kept, pages, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((pages / "page1.png").read_bytes()[:500])

    alone = kept.suite("predict", "pen-s0", str(tmp_path / "notes.png"))
    beside = kept.suite("predict", "pen-s0", str(tmp_path), str(pages / "page1.png"), "--json")

    assert_refused(alone, 2, "notes.png: cannot be read as PNG or JPEG: its contents are neither. Save it again")
    assert beside.code == 2
    assert len(beside.json["pictures"]) == 1
    assert [line.split(":")[1].rpartition("/")[2] for line in beside.err.splitlines()] == ["cut.png", "notes.png"]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("pen-s7", "."), 2, "there is no finished run 'pen-s7'; did you mean pen-s0?"),
        (("wild-s0", "."), 2, "wild-s0 diverged, so it has no weights. Choose another run."),
        (("all", "."), 2, "-s0 (pen) and 3 more. Give one, such as "),
        (("pen-s0", "nowhere.png"), 2, "'nowhere.png': there is no such picture or folder."),
        (("pen-s0", "."), 2, ".: has no pictures (.png, .jpg, .jpeg)."),
        (("pen-s0", "PAGES", "--picture", "PAGES/page3.png"), 2, "is one of the pictures themselves"),
        (("pen-s0", "PAGES", "--picture", "seen.gif"), 2, "seen.gif must be the name of a .png file"),
        (("pen-s0", "PAGES", "--picture", "nowhere/seen.png"), 2, "nowhere is no folder"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(kept, in_process, pages, words, code, line):
    (kept.home / "empty").mkdir(exist_ok=True)
    given = [word.replace("PAGES", str(pages)) for word in words]

    assert_refused(in_process("predict", *given, within=kept), code, line)


def test_a_run_whose_weights_or_network_are_gone_is_refused(kept, in_process, pages, tmp_path):
    shutil.copytree(kept.home.parent, tmp_path / "copy")
    own = tmp_path / "copy" / "own"
    copy = Workspace(tmp_path / "copy" / "home", {**kept.extra, "SUITE_EXPERIMENTS": str(own)})
    [folder] = copy.home.glob("mlruns/runs/pen/*/")
    page = str(pages / "page1.png")

    (own / "pen.py").write_text(QUICK.replace("nn.Flatten(), Slow", "nn.Flatten(), nn.ReLU(), Slow"))
    assert_refused(in_process("predict", "pen-s0", page, within=copy), 2, "pen.py has another network")
    (folder / "weights.safetensors").unlink()
    assert_refused(
        in_process("predict", "pen-s0", page, within=copy), 2, "weights.safetensors is damaged: it is missing"
    )
    facts = json.loads((folder / "result.json").read_text())
    assert Run.at(folder).seed == facts["seed"]
    (folder / "result.json").unlink()
    assert_refused(in_process("predict", "pen-s0", page, within=copy), 2, "there is no finished run 'pen-s0'")


def test_ctrl_c_says_that_nothing_has_changed(kept, pages, tmp_path):
    top = kept.home.parent
    before = kept.results(), [page.read_bytes() for page in sorted(pages.iterdir())]
    (top / "wait").touch()
    process = kept.start("predict", "waiting-s0", str(pages), "--picture", str(tmp_path / "seen.png"))
    while process.poll() is None and not (top / "begun").exists():
        time.sleep(0.05)

    assert_interrupted(process, "neither the run nor your pictures", "begins it again")

    assert (kept.results(), [page.read_bytes() for page in sorted(pages.iterdir())]) == before
    assert list(tmp_path.iterdir()) == []
    (top / "wait").unlink()
    assert kept.suite("predict", "waiting-s0", str(pages)).code == 0


def test_a_name_of_two_recipes_is_refused_with_both_and_each_can_be_named(kept, in_process, pages, tmp_path):
    shutil.copytree(kept.home.parent, tmp_path / "copy")
    copy = Workspace(tmp_path / "copy" / "home", {**kept.extra, "SUITE_EXPERIMENTS": str(tmp_path / "copy" / "own")})
    assert copy.suite("run", "pen", "--set", "lr=0.4", "--epochs", "1", "--seeds", "1", "--no-report").code == 0
    first, second = sorted(path.name for path in copy.home.glob("mlruns/runs/pen/*/"))
    page = str(pages / "page1.png")

    answer = in_process("predict", "pen-s0", page, within=copy)

    assert_refused(
        answer, 2, "'pen-s0' means 2 runs: ", f"{first} (pen", f"{second} (pen", "lr=0.4", "Give one, such as"
    )
    named = {name: copy.suite("predict", name, page, "--json").json for name in (first, second)}
    assert all(one["run"] == "pen-s0" for one in named.values())
    assert named[first]["pictures"][0]["probability"] != named[second]["pictures"][0]["probability"]
