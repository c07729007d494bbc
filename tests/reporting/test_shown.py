"""A page of a record of any size: it shows a choice of recipes and says so, and every file beside it has all."""

import csv
import re
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from suite import reporting
from suite.pictures import canvas
from suite.pictures.cache import Kept
from suite.pictures.studies import CAPTIONS
from suite.reporting import figures, shown
from suite.reporting.choice import Choice
from suite.reporting.families import families_of
from suite.reporting.figures import Picture
from suite.reporting.page import _Embedding
from suite.reporting.shown import (
    LARGEST,
    PAIRS,
    ROWS,
    SIZES,
    TRIALS,
    choice_sentences,
    shown_of,
    studies_sentences,
    trials_of,
)
from suite.reporting.studies import study_tables
from suite.reporting.tables import write_csv
from suite.text import some
from suite.tracking.stored import Predictions
from tests.reporting.conftest import LABELS, history, run
from tests.studies import document, trial

pytestmark = pytest.mark.slow

RECIPES, SEEDS = 72, 15


@pytest.fixture
def of(make_group):
    """Makes a group; `share` of its answers are right."""

    def make(name="lenet", share=0.8, *, changes="", data="digits", seeds=SEEDS):
        identity = sha256(f"{name} {changes} {data}".encode()).hexdigest()
        draw = np.random.default_rng(len(name) + len(changes))
        right = draw.random((seeds, len(LABELS))) < share
        found = Predictions(
            np.where(right, LABELS, (LABELS + 1) % 10).astype(np.uint8),
            draw.random(right.shape).astype(np.float32), LABELS.astype(np.uint8),
        )  # fmt: skip
        watched = {"images": 1_000, "test_accuracy": share, "train_seconds": 2.0}
        histories = tuple(
            [{**row, **watched, "cumulative_train_seconds": 2 * row["epoch"] + 2} for row in history(seed)]
            for seed in range(seeds)
        )
        runs = tuple(
            {**run(seed, experiment=name), "identity": identity, "param.data": data, "test/accuracy": share}
            for seed in range(seeds)
        )
        return make_group(experiment=name, changes=changes, identity=identity, runs=runs, seeds=seeds,
                          histories=histories, read_predictions=lambda: found)  # fmt: skip

    return make


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures are not drawn by matplotlib: each is one and the same."""
    png = canvas.image(canvas.notice("A picture."), "png")
    images = {"svg": b"<svg/>", "png": png}
    monkeypatch.setattr(figures, "draw_all", lambda drawings: ((n, images) for n, _ in enumerate(drawings)))


@pytest.fixture
def many(of):
    """More than 1,000 runs: an experiment with many changes."""
    groups = [of(), *(of(share=0.3 + n / 200, changes=f"lr={n}") for n in range(1, RECIPES))]
    return reporting._Found(groups, families_of(groups), [], [], [], Choice())


def drafted(found, most, folder):
    return reporting._draft(found, found.tables(), most, folder, Kept(None), lambda *_: {})


@pytest.mark.usefixtures("undrawn")
def test_a_page_of_more_than_a_thousand_runs_is_short_and_says_what_it_shows(many, tmp_path):
    assert sum(len(one.runs) for one in many.groups) > 1_000

    page, said, _ = drafted(many, SIZES[0], tmp_path)

    text = page.read_text()
    assert len(text.encode()) < LARGEST
    assert said[0].startswith(f"This page shows {SIZES[0]} of {RECIPES} recipes: ")
    assert said[0] in text
    assert said[0] in (tmp_path / "report.md").read_text()
    chapters = re.findall(r'<h3 id="of-([^"]*)"', text)
    assert len(chapters) == len(set(chapters)) == SIZES[0]
    assert "lenet" in chapters
    assert len(re.findall('data-again="python -m suite verify ', text)) == ROWS
    assert f"{ROWS} of {RECIPES * SEEDS:,} rows; runs.csv has all." in text
    assert f"{SIZES[0]} of {RECIPES} rows; accuracy.csv has all." in text
    assert f"{SIZES[0] - 1} of {RECIPES - 1} comparisons are shown; comparisons.csv has all." in text


def test_the_files_beside_it_have_every_run(many, tmp_path):
    write_csv(many.tables(), tmp_path)

    rows = {path.stem: list(csv.DictReader(path.read_text().splitlines())) for path in tmp_path.glob("*.csv")}
    assert [len(rows[name]) for name in ("accuracy", "runs", "comparisons")] == [
        RECIPES, RECIPES * SEEDS, RECIPES - 1,
    ]  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_numbers_are_the_same_however_many_recipes_are_shown(many, tmp_path):
    """p is corrected for all comparisons, those that are not shown included."""
    pages = []
    for most in (20, 2):
        (tmp_path / str(most)).mkdir()
        pages.append(drafted(many, most, tmp_path / str(most))[0].read_text())
    sentences = [set(re.findall("<p>(lenet, lr=.*?)</p>", page)) for page in pages]

    assert [len(found) for found in sentences] == [19, 1]
    assert sentences[1] < sentences[0]


def test_unchanged_recipes_come_first_then_the_highest_of_each_data_set(of):
    groups = [
        of("mlp", 0.2), of("lenet", 0.3, data="mnist"), of("lenet", 0.9, changes="lr=1"),
        of("lenet", 0.8, changes="lr=2"), of("lenet", 0.4, data="mnist", changes="data=mnist lr=1"),
        of("lenet", 0.5, data="mnist", changes="data=mnist lr=2"),
    ]  # fmt: skip

    def chosen(most):
        return [groups.index(one) for one in shown_of(groups, most)]

    assert [chosen(most) for most in (1, 2, 3, 4, 5, 6, 9)] == [
        [1], [0, 1], [0, 1, 5], [0, 1, 2, 5], [0, 1, 2, 4, 5], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5],
    ]  # fmt: skip
    assert choice_sentences(groups, groups) == []


@pytest.mark.usefixtures("undrawn")
def test_of_many_experiments_only_the_pairs_with_the_best_are_shown(of, tmp_path):
    names = [f"net_{n:02d}" for n in range(16)]
    groups = [of(name, 0.3 + n / 40, seeds=3) for n, name in enumerate(names)]
    found = reporting._Found(groups, families_of(groups), [], [], [], Choice())
    pairs = len(names) * (len(names) - 1) // 2
    assert pairs > PAIRS

    text = drafted(found, SIZES[0], tmp_path)[0].read_text()

    assert f"{len(names) - 1} of {pairs} comparisons are shown; comparisons.csv has all." in text
    assert len(found.tables()["comparisons"].rows) == pairs
    assert len(re.findall('data-again="python -m suite compare ', text)) == len(names) - 1


def searched(number, trials):
    """A study whose trials have ended later than those of studies with smaller numbers."""
    found = [{**trial(n % 30, "COMPLETE"), "number": n, "at": number, "accuracies": [n / 1_000]} for n in range(trials)]
    return document(study=f"search {number:03d}", trials=found)


@pytest.fixture
def unplotted(undrawn, monkeypatch):  # noqa: ARG001  the other pictures
    """The pictures of studies are not drawn by matplotlib either."""
    png = canvas.image(canvas.notice("A picture."), "png")
    monkeypatch.setattr("suite.reporting.studies.study_pictures", lambda _: dict.fromkeys([*CAPTIONS][:-1]))
    monkeypatch.setattr(figures, "images_of", lambda _: {"svg": b"<svg/>", "png": png})


@pytest.mark.usefixtures("unplotted")
def test_a_page_of_many_studies_is_short_and_says_what_it_shows(many, tmp_path):
    studies = [*(searched(number, 20) for number in range(59)), {"study": "lost", "damaged": "0" * 32}]
    found = replace(many, studies=studies[::-1])

    page, said, whole = drafted(found, SIZES[0], tmp_path)

    text = page.read_text()
    assert len(text.encode()) < LARGEST
    assert said[1].startswith(f"This page shows {SIZES[0] // 2} of 60 studies: those in which a trial ended last.")
    assert said[1] in text
    shown = re.findall(r'<h3 id="study-search_(\d+)"', text)
    assert shown == [f"{number:03d}" for number in range(58, 58 - SIZES[0] // 2, -1)]
    assert [one["study"] for one in whole] == [one["study"] for one in studies[-2::-1]]  # of all: the CSV files
    assert studies_sentences(studies, studies) == []


@pytest.mark.usefixtures("unplotted")
def test_a_study_of_many_trials_shows_the_best_of_them(many, tmp_path):
    found = replace(many, groups=[], families=[], studies=[searched(0, 3_000), searched(1, 3_000)])

    page, _, whole = drafted(found, SIZES[-1] * 2, tmp_path)

    text = page.read_text()
    assert len(text.encode()) < LARGEST
    assert text.count(f"{TRIALS} of 3,000 rows; trials.csv has all.") == 2
    assert text.count(f"Charts and table have {TRIALS} of 3,000 trials: first the complete ones") == 2
    best = trials_of(whole[0])["trials"]
    assert [one["number"] for one in best] == [*range(2_700, 3_000)]
    pruned = {**whole[0], "trials": [{**one, "state": "PRUNED"} for one in whole[0]["trials"][1:]]}
    pruned["trials"].insert(0, whole[0]["trials"][0])
    assert trials_of(pruned)["trials"][0]["number"] == 0
    assert len(study_tables(whole)["trials"].rows) == 6_000


@pytest.mark.usefixtures("unplotted")
def test_a_report_takes_as_many_studies_as_the_page_has_room_for(monkeypatch, tmp_path, many):
    """The numbers of `SIZES` are tried in turn, also where only studies are many."""
    monkeypatch.setattr(reporting, "LARGEST", 400_000)
    monkeypatch.setattr(reporting, "read_studies", lambda *_: [searched(number, 20) for number in range(30)])
    monkeypatch.setattr(reporting, "read_groups", lambda *_: many.groups[:1])
    monkeypatch.setattr(reporting, "finished_runs", lambda _: pd.DataFrame())
    monkeypatch.setattr(reporting, "find_gaps", lambda *_: [])
    monkeypatch.setattr(reporting, "lost", lambda _: [])

    written = reporting.write_report(None, tmp_path / "reports")

    assert written.page.stat().st_size <= 400_000
    assert written.sentences[0].startswith("This page shows 5 of 30 studies")
    assert len(written.tables["trials"].rows) == 600


def test_pictures_beyond_the_pages_measure_are_beside_it(monkeypatch, tmp_path):
    picture = Picture(tmp_path / "one.svg", tmp_path / "one.png", "One.")
    picture.png.write_bytes(canvas.image(canvas.notice("A picture."), "png"))
    length = len(_Embedding().picture(picture))
    monkeypatch.setattr("suite.reporting.page.IMAGES", 2 * length + 1)

    embedding = _Embedding()

    assert [bool(embedding.picture(picture)) for _ in range(3)] == [True, True, False]


def test_a_sentence_names_some_of_many():
    assert some(["a", "b"]) == "a; b"
    assert some([str(n) for n in range(1_030)], ", ").endswith(", 29, and 1,000 more")


def test_the_sizes_become_smaller():
    assert [*SIZES] == sorted(set(SIZES), reverse=True)
    assert shown.IMAGES < LARGEST
