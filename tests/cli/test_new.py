"""`new`: a first file of one's own that runs at once, and never in the place of another."""

from pathlib import Path

import pytest

import suite
from suite.recipe import registry
from tests.conftest import ROOT, assert_refused

FULL = (pytest.mark.promise, pytest.mark.full)
BLOTS = """import numpy as np


def load():
    images, labels = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2
    arrays = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    return {**arrays, "classes": ["a", "b"]}
"""


@pytest.fixture
def own(workspace):
    folder = Path(workspace.extra["SUITE_EXPERIMENTS"])
    (folder / "datasets").mkdir()
    return folder


@pytest.mark.commands
@pytest.mark.parametrize(
    "words", [(), pytest.param(("--from", "lenet"), marks=[pytest.mark.promise, pytest.mark.full])]
)
def test_the_file_runs_at_once(workspace, own, words):
    told = workspace.suite("new", "my_net", "--data", "digits", *words)
    trained = workspace.suite("run", "my_net", "--seeds", "1", "--epochs", "1", "--no-report", "--json")

    text = (own / "my_net.py").read_text()
    assert (told.code, trained.code) == (0, 0), told.err + trained.err
    assert told.out.splitlines()[0] == f"Wrote {own / 'my_net.py'} ({len(text.splitlines())} lines)."
    assert "    python -m suite run my_net" in told.out.splitlines()
    assert 20 <= len(text.splitlines()) <= 40
    assert text.count("  # ") >= 4
    assert max(map(len, text.splitlines())) <= 120
    assert [one["status"] for one in trained.json["runs"]] == ["finished"]


def test_a_copy_has_the_same_recipe_and_network_and_no_source(in_process, own):
    for name in ("lenet", "mlp", "speedrun", "cifar_net", "slow"):
        assert in_process("new", f"my_{name}", "--from", name).code == 0

    found = registry.load([own])
    for name in ("lenet", "mlp", "speedrun", "cifar_net", "slow"):
        original, copy = found.choose([name, f"my_{name}"])
        assert copy.identity == original.identity
        assert copy.recipe.space == original.recipe.space
        assert copy.recipe.source is None
    ours = (ROOT / "experiments" / "cifar_net.py").read_text()
    assert (own / "my_cifar_net.py").read_text().endswith(ours[ours.index("def network") :])


def test_a_small_set_gets_small_batches(in_process, own):
    for images, size in ((40, 2), (300, 8), (3_000, 128)):
        name = f"blots{images}"
        (own / "datasets" / f"{name}.py").write_text(BLOTS.replace("40", str(images)))

        assert in_process("new", f"my_{name}", "--data", name).code == 0

        recipe = registry.load([own]).choose([f"my_{name}"])[0].recipe
        assert recipe.batch_size == size
        assert 0 < recipe.training_images() < images
        assert f"  # {name}, as it was read" in (own / f"my_{name}.py").read_text()


@pytest.mark.parametrize("data", ["cifar-10", "usps"])
def test_the_first_network_takes_the_images_of_any_data(own, data):
    session = suite.Session.open(experiments=[own])

    path = suite.new("my_net", data=data, session=session)

    assert path == own / "my_net.py"
    assert suite.show("my_net", session=suite.Session.open(experiments=[own]))["parameters"] > 5_000


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("slow",), "there is an experiment slow already, and it is not overwritten. Choose another name."),
        (("lenet",), "there is an experiment lenet already"),
        (("broken",), "there is an experiment broken already"),
        (("linked",), "there is an experiment linked already"),
        (("My-Net",), "'My-Net' cannot name an experiment. Use a small letter"),
        (("all",), "'all' cannot name an experiment."),
        (("../my_net",), "'../my_net' cannot name an experiment."),
        (("my_net", "--from", "lennet"), "there is no experiment 'lennet'; did you mean lenet"),
        (("my_net", "--from", "all"), "new --from takes one experiment, got 'all'."),
        (("my_net", "--data", "cifar"), "data must be the name of a data set, got 'cifar'."),
        (("my_net", "--from", "slow", "--data", "cifar-10"), "slow.py"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(in_process, own, words, line):
    (own / "broken.py").write_text("1 / 0")
    (own / "linked.py").symlink_to(own / "nowhere.py")
    before = {path: path.lstat().st_mtime_ns for path in own.iterdir()}

    assert_refused(in_process("new", *words), 2, line)

    assert {path: path.lstat().st_mtime_ns for path in own.iterdir() if path.name != "__pycache__"} == before


def test_the_next_command_names_a_folder_that_is_not_known_otherwise(in_process, tmp_path):
    (tmp_path / "more of it").mkdir()

    answer = in_process("new", "my_net", "--experiments", str(tmp_path / "more of it"))

    place = tmp_path / "more of it"
    assert answer.out.splitlines()[0].startswith(f"Wrote {place / 'my_net.py'}")
    assert f"    python -m suite run my_net --experiments '{place}'" in answer.out.splitlines()


def test_without_an_own_folder_or_a_checkout_it_goes_into_the_current_folder(in_process, workspace, monkeypatch):
    from suite.api import starting

    monkeypatch.setattr(starting, "OURS", workspace.home / "site-packages" / "experiments")
    monkeypatch.setitem(workspace.extra, "SUITE_EXPERIMENTS", "")

    answer = in_process("new", "my_net", "--json")

    place = workspace.home / "experiments"
    assert answer.json["path"] == str(place / "my_net.py")
    assert answer.json["next"][-1] == f"python -m suite run my_net --experiments {place}"
    (place / "my_net.py").write_text("mine")
    assert_refused(in_process("new", "my_net"), 2, "there is an experiment my_net already, and it is not overwritten.")
    assert (place / "my_net.py").read_text() == "mine"
