"""The choice of runs for a report: by experiment, by date, with a baseline; and the words about missing runs."""

import math
import statistics
from datetime import UTC, datetime

import pandas as pd
import pytest

from suite.errors import SuiteError
from suite.reporting import gaps as finding
from suite.reporting.choice import Choice, baseline_of
from suite.reporting.gaps import Gap, find_gaps, gap_sentences
from suite.reporting.tables import accuracy
from suite.text import listed_seeds
from suite.tracking.groups import _with_missing
from tests.reporting.conftest import run

HOUR = 3_600_000
T_OF_2 = 4.302652730


@pytest.fixture
def runs():
    rows = [
        {**run(seed, experiment=name), "finished": hour * HOUR, "overrides": {"lr": 1} if hour == 3 else {}}
        for name, hours in (("lenet", (1, 2, 3)), ("cnn", (4, 5)))
        for seed, hour in enumerate(hours)
    ]
    return pd.DataFrame(rows)


def chosen(runs, **fields):
    found = Choice(**fields).of(runs)
    return list(zip(found["experiment"], found["finished"] // HOUR, strict=True))


def at(hour):
    return datetime.fromtimestamp(hour * 3_600, UTC)


def test_no_choice_leaves_every_run(runs):
    assert Choice().of(runs) is runs
    assert Choice().sentences() == []


def test_only_the_named_experiments_and_what_finished_since(runs):
    assert chosen(runs, experiments=("cnn",)) == [("cnn", 4), ("cnn", 5)]
    assert chosen(runs, since=at(2)) == [("lenet", 2), ("lenet", 3), ("cnn", 4), ("cnn", 5)]
    assert chosen(runs, experiments=("lenet",), since=at(2)) == [("lenet", 2), ("lenet", 3)]


def test_the_baselines_unchanged_runs_stay_in_whatever_is_chosen(runs):
    assert chosen(runs, experiments=("cnn",), since=at(5), baseline="lenet") == [
        ("lenet", 1), ("lenet", 2), ("cnn", 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"experiments": ("lennet",)}, "no run of 'lennet' in MLflow; did you mean lenet? Known: cnn, lenet."),
        ({"baseline": "nobody"}, "no run of 'nobody' in MLflow. Known: cnn, lenet."),
        ({"since": at(6)}, "no run is finished since 1970-01-01 06:00 UTC."),
        ({"experiments": ("lenet",), "since": at(4)}, "no run is of lenet and finished since 1970-01-01 04:00 UTC."),
    ],
)
def test_a_choice_of_nothing_is_refused_in_one_line(runs, fields, words):
    with pytest.raises(SuiteError) as refusal:
        Choice(**fields).of(runs)

    assert words in str(refusal.value)
    assert refusal.value.code == 2


def test_an_empty_record_knows_no_name():
    with pytest.raises(SuiteError, match="Train it first"):
        Choice(experiments=("lenet",)).of(pd.DataFrame())


def test_a_choice_says_so_first_and_names_the_baseline():
    said = Choice(("lenet", "cnn"), at(2), "mlp").sentences()

    assert said[0] == (
        "This report is a choice: it holds only what is of lenet or cnn and finished since 1970-01-01 02:00 UTC, "
        "and mlp's runs."
    )
    assert said[1].startswith("Differences are against mlp, its recipe unchanged, on the same data set")


def test_studies_are_chosen_by_their_experiment_and_their_last_trial():
    studies = [
        {"study": "old", "experiment": "lenet", "trials": [{"at": HOUR}]},
        {"study": "new", "experiment": "lenet", "trials": [{"at": HOUR}, {"at": 3 * HOUR}]},
        {"study": "other", "experiment": "cnn", "trials": [{"at": 3 * HOUR}]},
        {"study": "damaged", "damaged": "0123"},
    ]

    assert Choice().of_studies(studies) == studies
    assert Choice(("lenet",), at(2)).of_studies(studies) == studies[1:2]


def test_the_difference_from_the_baseline_is_paired_by_common_seed(make_group):
    ours = make_group(experiment="cnn", runs=tuple(run(seed, experiment="cnn") for seed in (1, 2, 4, 5)))
    [base_row, row] = accuracy([make_group(seeds=5), ours], "lenet").rows
    shift = tuple({**one, "test/accuracy": one["test/accuracy"] + 0.01 * one["seed"]} for one in ours.runs)
    [_, moved] = accuracy([make_group(seeds=5), make_group(experiment="cnn", runs=shift)], "lenet").rows

    assert base_row["against lenet"] == "the baseline"
    assert (row["against_n"], row["against_mean"], row["against_low"], row["against_high"]) == (3, 0, 0, 0)
    differences = [0.01, 0.02, 0.04]
    half = T_OF_2 * statistics.stdev(differences) / math.sqrt(3)
    assert moved["against_mean"] == pytest.approx(sum(differences) / 3)
    assert (moved["against_low"], moved["against_high"]) == pytest.approx(
        (sum(differences) / 3 - half, sum(differences) / 3 + half)
    )
    assert moved["against lenet"] == f"+0.0233 ({moved['against_low']:+.4f} to {moved['against_high']:+.4f})"


def test_too_few_common_seeds_get_no_difference_but_the_number_that_is_needed(make_group):
    ours = make_group(experiment="cnn", runs=tuple(run(seed, experiment="cnn") for seed in (1, 2, 3, 4)))
    [_, row] = accuracy([make_group(), ours], "lenet").rows

    assert row["against lenet"] == "needs 3 common seeds"
    assert (row["against_n"], row["against_mean"]) == (2, None)


def test_a_baseline_is_of_the_same_data_set_and_unchanged(make_group):
    def on(data, **fields):
        return make_group(runs=({**run(0), "param.data": data},), **fields)

    groups = [on("mnist", changes="data=mnist lr=0.1"), on("mnist", changes="data=mnist"), on("fashion-mnist")]

    assert baseline_of(groups, "lenet", "mnist") is groups[1]
    assert baseline_of(groups, "lenet", "fashion-mnist") is groups[2]
    assert baseline_of(groups, "lenet", "digits") is None
    assert accuracy([on("digits", experiment="cnn"), *groups], "lenet").cells()[0][-1] == "–"


def test_the_table_names_the_seeds(make_group):
    group = make_group(runs=tuple(run(seed) for seed in (0, 1, 2, 4)))
    table = accuracy([group])

    assert dict(zip(table.columns(), table.cells()[0], strict=True))["seeds"] == "0-2, 4"


@pytest.mark.parametrize(
    ("seeds", "words"), [((), ""), ((3,), "3"), ((2, 0, 1), "0-2"), ((0, 1, 2, 4), "0-2, 4"), ((7, 5), "5, 7")]
)
def test_seeds_are_listed_as_ranges(seeds, words):
    assert listed_seeds(seeds) == words


def test_a_group_lacks_the_seeds_of_the_largest_on_its_data_set_that_it_did_not_try(make_group):
    few = make_group(seeds=2, experiment="cnn", diverged=(3,))
    elsewhere = make_group(runs=({**run(0), "param.data": "mnist"},), experiment="mlp")

    assert [one.missing for one in _with_missing([make_group(seeds=5), few, elsewhere])] == [(), (2, 4), ()]


def test_incomplete_tells_apart_missing_running_and_damaged(make_group, monkeypatch):
    whole, few = make_group(seeds=4, identity="a"), make_group(seeds=1, experiment="cnn", identity="b")
    groups = _with_missing([whole, few])
    damaged = {**run(3, experiment="cnn"), "identity": "b"}
    rows = [{**row, "identity": one.identity} for one in groups for row in one.runs]
    runs = pd.DataFrame([*rows, damaged])
    begun = pd.DataFrame([
        {"experiment": "cnn", "identity": "b", "seed": 1, "overrides": {}, "status": "running"},
        {"experiment": "mlp", "identity": "c", "seed": 0, "overrides": {"lr": 0.1}, "status": "interrupted"},
    ])  # fmt: skip
    monkeypatch.setattr(finding, "unfinished_runs", lambda *_: begun)

    found = find_gaps(None, runs, groups)

    assert found == [
        Gap("cnn", missing=(2,), running=(1,), damaged=(3,)),
        Gap("mlp, lr=0.1", interrupted=(0,)),
    ]
    assert find_gaps(None, runs, groups, ["cnn"]) == found[:1]
    assert gap_sentences(found) == [
        "Fewer seeds than others on the same data set: cnn lacks seed 2.",
        "Still running, and not in the tables: cnn seed 1.",
        "Interrupted, and not in the tables: mlp, lr=0.1 seed 0.",
        "Damaged in MLflow, and not in the tables (`python -m suite sync --rebuild` writes it anew): cnn seed 3.",
    ]
    assert gap_sentences([]) == []
