"""Runs on colour images and on 1,000 classes: from the engine through MLflow to the report."""

import re
from dataclasses import replace

import pytest
from torch import nn

from suite.data import load
from suite.data.catalog import CATALOG
from suite.data.dataset import DataSet
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.engine.train import train
from suite.reporting import write_report
from suite.reporting.choice import baseline_of
from suite.runs import artifacts
from suite.tracking.frame import finished_runs
from suite.tracking.groups import read_groups
from suite.tracking.mirror import Mirror
from suite.tracking.naming import changes
from suite.tracking.recorder import prepare
from suite.tracking.store import open_store
from tests import synthetic
from tests.conftest import furnish
from tests.engine.conftest import small_experiment
from tests.synthetic import COLOUR

pytestmark = pytest.mark.mlflow
MANY = 1_000
OWN, TITLE = "own-0123456789ab", "emoji (012345)"
SETS = {
    "colour": DataSet("colour", "Colour", synthetic.names(3), 60, 30, {}, COLOUR),
    "many": DataSet("many", "Many", synthetic.names(MANY), MANY, MANY, {}, (1, 4, 4)),
}


def linear(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of two experiments in colour, one with many classes, and one on data that are gone since it was trained.

    With it the groups, as read from MLflow.
    """
    with pytest.MonkeyPatch.context() as patch:
        home = Home(furnish(tmp_path_factory.mktemp("home")))
        folder = tmp_path_factory.mktemp("data")
        patch.setitem(CATALOG, "colour", synthetic.on_disk("colour", COLOUR, 3, folder))
        patch.setitem(CATALOG, "many", replace(SETS["many"], sha256=CATALOG["colour"].sha256))
        store = open_store(home)
        mirror = Mirror(store)
        patch.setitem(CATALOG, OWN, replace(CATALOG["colour"], name=OWN, title=TITLE))
        images = {
            "colour": load("colour", folder),
            OWN: load("colour", folder),
            "many": synthetic.in_memory((1, 4, 4), MANY, MANY, MANY),
        }
        trained = [("colour_slow", 0.001, 3), ("colour_fast", 0.05, 3), ("many", 0.05, 1), ("own", 0.05, 1)]
        for name, lr, seeds in trained:
            data = name.partition("_")[0].replace("own", "colour")
            made = replace(small_experiment(linear, data=data, lr=lr, epochs=1, batch_size=20), name=name)
            made = made.changed({"data": OWN, "epochs": 2} if name == "own" else {})
            for seed in range(seeds):
                run = Run.under(home.runs, name, made.identity, seed)
                with run.claim():
                    train(run, made, images[made.recipe.data], lambda _: None)
                with pytest.MonkeyPatch.context() as undrawn:
                    if seed:  # only the pictures of one seed are drawn
                        undrawn.setattr(artifacts, "_draw", lambda *_: None)
                    mirror.send(run, prepare(run, lambda _: folder), "finished")
        patch.delitem(CATALOG, OWN)
        written = write_report(store, home.root / "reports")
        yield written, {one.experiment: one for one in read_groups(store, finished_runs(store))}


def test_the_record_has_shape_and_classes(report):
    _, groups = report

    assert groups["colour_fast"].runs[0]["image"] == "3×16×20"
    assert groups["colour_fast"].classes == synthetic.names(3)
    assert len(groups["many"].classes) == MANY
    assert groups["many"].predicted.shape == (1, MANY)
    assert groups["many"].predicted.max() > 255


def test_all_pictures_are_there_and_the_page_is_small(report):
    written, _ = report

    for name in ("colour_fast", "many"):
        found = {path.stem for path in (written.page.parent / "pictures").glob(f"{name}-*")}
        assert found >= {f"{name}-confusion", f"{name}-curves", f"{name}-network"}
    assert (written.page.parent / "pictures" / "colour_fast-samples.png").is_file()
    assert "could not be drawn" not in written.page.read_text()
    assert written.page.stat().st_size < 3e6


def test_accuracy_has_the_figures_in_which_classes_count_alike(report):
    written, _ = report
    rows = {row["experiment"]: row for row in written.tables["accuracy"].rows}

    assert {"balanced", "macro F1", "top-5"} <= set(written.tables["accuracy"].columns())
    assert rows["colour_fast"]["balanced"] == pytest.approx(rows["colour_fast"]["test accuracy"])  # 10 images per class
    assert "top-5" not in rows["colour_fast"]
    assert rows["many"]["test accuracy"] <= rows["many"]["top-5"]


def test_of_many_classes_the_page_shows_the_worst_and_the_csv_has_all(report):
    written, _ = report
    classes = [row for row in written.tables["classes"].rows if row["experiment"] == "many"]
    cells = [row for row in written.tables["confusion"].rows if row["experiment"] == "many"]

    assert len(classes) == MANY
    assert sum(row["images"] for row in cells) == pytest.approx(MANY)
    assert all(row["images"] for row in cells)
    assert len([row for row in written.tables["confusion"].rows if row["experiment"] == "colour_fast"]) == 9
    assert "The 50 classes with the lowest F1 of 1,000; classes.csv has all." in written.page.read_text()


def test_experiments_on_other_data_are_compared(report):
    written, _ = report
    found = re.sub(r"<[^>]+>", "", written.page.read_text())

    assert "Experiments on Colour" in found
    assert {(row["one"], row["other"]) for row in written.tables["comparisons"].rows} == {
        ("colour_fast", "colour_slow")
    }


def test_ones_own_data_are_called_by_their_title_though_they_are_gone(report):
    written, groups = report
    page = re.sub(r"<[^>]+>", "", written.page.read_text())

    assert groups["own"].title == f"own, data={TITLE} epochs=2"
    assert groups["own"].title in [row["experiment"] for row in written.tables["accuracy"].rows]
    assert f"own, data={TITLE} epochs=2" in page
    assert OWN not in page.replace(f"data={OWN} epochs=2", "")  # the command that trains it again has the name
    assert baseline_of([groups["own"]], "own", OWN) is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"data": OWN}, f"data={TITLE}"),
        ({"data": "mnist"}, "data=mnist"),
        ({"lr": 0.1, "data": OWN}, f"data={TITLE} lr=0.1"),
    ],
)
def test_only_ones_own_data_are_called_by_their_title(overrides, words):
    assert changes({"overrides": overrides, "data_title": TITLE}) == words


def test_a_recipe_on_ones_own_data_is_a_baseline_there(make_group):
    one = make_group(experiment="cnn", changes=f"data={TITLE}")
    one = replace(one, runs=tuple({**run, "param.data": OWN, "data_title": TITLE} for run in one.runs))

    assert baseline_of([one], "cnn", OWN) is one
