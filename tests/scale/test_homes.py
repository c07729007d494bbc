"""The maker of large homes: every check passes in them, and MLflow's tables have what the suite's mirror writes."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from suite.disk.journal import begun_runs, whole_runs
from suite.tracking.mirror import Mirror
from suite.tracking.store import open_store
from tests.conftest import Workspace, furnish
from tests.promises.mirrors import assert_mirror_is_exact
from tests.scale.__main__ import main, refused
from tests.scale.conftest import FIRST, RUNS
from tests.scale.homes import Large

pytestmark = pytest.mark.mlflow


def test_every_file_of_every_run_is_whole_and_its_recipe_is_real(large: Large) -> None:
    found = list(whole_runs(begun_runs(large.home.runs), pytest.fail))

    assert len(found) == RUNS
    assert {run.folder for run in found} == {run.folder for run, _ in large.planned(RUNS)}
    assert len({(run.folder / "weights.safetensors").read_bytes() for run in found}) == RUNS


def test_the_record_is_that_of_the_folders(large: Large) -> None:
    assert assert_mirror_is_exact(large.home.root) > 0


def test_the_tables_have_what_the_mirror_writes(large: Large, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = replace(large.home, tracker=f"sqlite:///{furnish(tmp_path / 'real')}/mlruns/mlflow.db")
    mirror = Mirror(open_store(real))
    runs = [run for run, _ in large.planned(RUNS)]
    for some in (runs[:FIRST], runs[FIRST:]):
        for run in some:
            mirror.send(run, run.result())
        mirror.sum_up()

    ours, theirs = rows(large.home.mlruns / "mlflow.db"), rows(tmp_path / "real" / "mlruns" / "mlflow.db")

    assert ours.keys() == theirs.keys()
    for table in ours:
        assert ours[table] == theirs[table], table
    assert len(ours["metrics"]) > RUNS * 10


def rows(path: Path) -> dict[str, list[str]]:
    """The rows of all of MLflow's tables in which runs are, without what is different each time: ids, and when a parent
    was made and summed up.
    """
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        tables = ("runs", "tags", "params", "metrics", "latest_metrics", "datasets", "inputs", "input_tags")
        found = {name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")] for name in tables}
    names = {row["run_uuid"]: row["value"] for row in found["tags"] if row["key"] in ("suite.run", "suite.group")}
    names |= {row["dataset_uuid"]: row["digest"] for row in found["datasets"]}
    names |= {row["input_uuid"]: f"{names[row['destination_id']]} {names[row['source_id']]}" for row in found["inputs"]}
    for row in found["runs"]:
        assert row["artifact_uri"].endswith(f"/{row['run_uuid']}/artifacts")
        row["artifact_uri"] = ""
        if "-s" not in row["name"]:
            row["start_time"] = row["end_time"] = None
    for table in found.values():
        for row in table:
            row |= {key: names.get(value, value) for key, value in row.items() if isinstance(value, str)}
    return {name: sorted(map(repr, table)) for name, table in found.items()}


def test_nothing_is_left_to_train_or_to_send(large: Large) -> None:
    workspace = Workspace(large.home.root, {"SUITE_EXPERIMENTS": str(large.own)})

    trained = workspace.suite("run", "scale_0", "scale_1", "--seeds", "3", "--no-report", "--json")
    sent = workspace.suite("sync", "--json")

    assert [one["skipped"] for one in trained.json["runs"]] == [True] * 6, trained
    assert sent.json["sent"] == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--runs 100 50", "--runs 50: give whole recipes, multiples of --seeds 25, from 100 on"),
        ("--runs 110", "--runs 110: give whole recipes, multiples of --seeds 25, from 100 on"),
        (
            "--runs 120 --seeds 30 --experiments 5",
            "--runs 120: give whole recipes, multiples of --seeds 30, from 150",
        ),
        ("--runs 100 --seeds 2", "--seeds 2 --experiments 4: `compare` needs 3 seeds of 2 experiments"),
    ],
)
def test_a_size_at_which_a_command_could_not_be_measured_is_refused_in_one_line(
    words: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())

    out, err = capsys.readouterr()
    assert (ended.value.code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"tests.scale: {line}")


def test_the_sizes_of_the_page_about_scale_are_not_refused() -> None:
    assert [refused(runs, 25, 4) for runs in (100, 1_000, 10_000)] == ["", "", ""]
