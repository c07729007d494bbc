"""`compare` on files of predictions: the same figures as for our own runs, a page, and refusals in one line."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from suite.analysis.comparison import Answers, compare
from suite.analysis.power import fewest_seeds, power_of
from tests.conftest import Command, assert_refused

LABELS = np.random.default_rng(0).integers(0, 3, 400)


def write(path, share, *, seeds=(0, 1, 2), labels=LABELS, draw=1):
    """Predictions of which about this share is right."""
    chance = np.random.default_rng((draw, round(100 * share)))
    rows = []
    for seed in seeds:
        predicted = np.where(chance.random(len(labels)) < share, labels, (labels + 1) % 3)
        items = [f"img{number:04}" for number in range(len(labels))]
        rows.append(pd.DataFrame({"item": items, "label": labels, "prediction": predicted, "seed": seed}))
    pd.concat(rows).sample(frac=1, random_state=0).to_csv(path, index=False)
    return path


@pytest.fixture
def files(workspace):
    return write(workspace.home / "ours.csv", 0.9), write(workspace.home / "theirs.csv", 0.8)


def answers(path):
    table = pd.read_csv(path).sort_values(["seed", "item"])
    predicted = table["prediction"].to_numpy().reshape(3, -1)
    return Answers(path.stem, (0, 1, 2), predicted, np.ones(predicted.shape, np.float32), LABELS)


def test_files_are_compared_as_runs_are_and_a_page_has_every_flip(in_process: Command, workspace, files):
    answer = in_process("compare", *map(str, files), "--to", "page")
    [expected] = compare([answers(path) for path in files])

    assert (answer.code, answer.err) == (0, "")
    assert expected.words in answer.out.splitlines()
    with (workspace.home / "page" / "flips.csv").open() as lines:
        flips = list(csv.DictReader(lines))
    assert sum(one["one says"] == one["is"] for one in flips) == expected.voted.only_one
    assert sum(one["other says"] == one["is"] for one in flips) == expected.voted.only_other
    page = (workspace.home / "page" / "report.html").read_text()
    assert expected.words.partition(":")[0] in page
    assert not (workspace.home / "mlruns").exists()

    again = in_process("compare", *map(str, files), "--to", "page")
    assert again.code == 0
    assert (workspace.home / "page" / "report.html").read_text() == page

    document = json.loads(in_process("compare", *map(str, files), "--margin", "30pt", "--json").out)
    assert document["comparisons"][0]["difference"]["mean"] == expected.found.mean
    assert document["comparisons"][0]["verdict"] == "equivalent"
    assert len(document["flips"]) == len(flips)


def test_what_cannot_be_compared_is_refused_in_one_line(in_process: Command, workspace, files):
    one, other = map(str, files)
    few = write(workspace.home / "few.csv", 0.9, seeds=(0, 7))
    short = write(workspace.home / "short.csv", 0.9, labels=LABELS[:-2])
    moved = write(workspace.home / "moved.csv", 0.9, labels=(LABELS + 1) % 3)
    full = workspace.home / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")

    for words, code, fragments in (
        ((one, "lenet"), 2, ["lenet is no file of predictions"]),
        ((one,), 2, ["two files of predictions or more"]),
        ((one, one), 2, ["a file is named twice"]),
        ((one, str(few)), 2, ["1 seed in common", "3 are the fewest"]),
        ((one, str(short)), 2, ["has 2 items that", "img0398"]),
        ((one, str(moved)), 2, ["item 'img0000' has the label"]),
        ((one, other, "--epochs", "3"), 2, ["cannot be trained further"]),
        ((one, "none.csv"), 3, ["none.csv: no such file"]),
    ):
        assert_refused(in_process("compare", *words), code, *fragments)
    answer = in_process("compare", one, other, "--to", str(full))
    assert answer.code == 2
    assert "is not empty" in answer.err
    assert [path.name for path in full.iterdir()] == ["thesis.txt"]


def test_a_plan_is_computed_from_the_files_as_a_pilot(in_process: Command, files):
    words = ("plan", *map(str, files), "--effect", "2pt", "--json")
    [found] = in_process(*words).json["plans"]
    pilot = compare([answers(path) for path in files])[0].found

    assert found["seeds"] == fewest_seeds(lambda n: power_of(pilot, 0.02, n))
    assert [one["seeds"] for one in found["steps"]][:2] == [3, 5]
    assert found["steps"][1]["sees"] == pytest.approx(power_of(pilot, 0.02, 5))
    assert (found["hours"], found["n"], found["power"]) == (None, 3, 0.8)

    told = in_process("plan", *map(str, files), "--margin", "90pt", "--power", "0.9")
    assert told.out.splitlines()[-1] == (
        "ours and theirs, judged by 3 seeds: 3 seeds rule out 90.00 points if there is no difference in 90% of "
        "comparisons (0 more)."
    )
    for words in (("--effect", "1pt", "--margin", "1pt"), ()):
        assert_refused(in_process("plan", *map(str, files), *words), 2, "give --effect or --margin")
