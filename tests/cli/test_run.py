"""The main job on the digits, through the command line, in real processes."""

from pathlib import Path

import pytest

from suite.recipe import registry
from tests.conftest import Workspace, assert_refused

pytestmark = pytest.mark.commands  # real commands in real processes: minutes, not seconds
TINY = ("--data", "digits", "--epochs", "1")
OURS = len(registry.load().experiments)


def hashes(answer):
    return {(one["experiment"], one["seed"]): one["weights_sha256"] for one in answer.json["runs"]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A home in which all of ours ran for an epoch on the digits, and what that command answered."""
    workspace = Workspace(tmp_path_factory.mktemp("finished"))
    return workspace, workspace.suite("run", "all", *TINY, "--seeds", "1", "--json")


def test_the_main_job_trains_records_and_reports(finished):
    workspace, answer = finished

    assert answer.code == 0, answer.err
    assert [one["status"] for one in answer.json["runs"]] == ["finished"] * OURS
    for one in answer.json["runs"]:
        assert len(one["weights_sha256"]) == 64
        assert one["mlflow_run_id"]
        assert Path(one["folder"], "weights.safetensors").exists()
        assert 0 <= one["metrics"]["test/accuracy"] <= 1
    reports = workspace.home / "reports"
    for name in ("report.html", "report.md", "accuracy.csv", "confusion.csv", "throughput.csv", "runs.csv"):
        assert (reports / name).stat().st_size > 100, name


def test_run_again_skips_what_is_finished(finished):
    workspace, first = finished
    before = {path: path.stat().st_mtime_ns for path in workspace.home.glob("mlruns/runs/*/*/result.json")}

    again = workspace.suite("run", "all", *TINY, "--seeds", "1", "--json")

    assert again.code == 0
    assert all(one["skipped"] for one in again.json["runs"])
    assert hashes(again) == hashes(first)
    assert {one["mlflow_run_id"] for one in again.json["runs"]} == {one["mlflow_run_id"] for one in first.json["runs"]}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_report_is_written_again_from_mlflow_with_the_same_bytes(finished):
    workspace, _ = finished
    reports = workspace.home / "reports"
    before = {path.name: path.read_bytes() for path in reports.rglob("*") if path.is_file()}

    answer = workspace.suite("report", "--json")

    assert answer.code == 0
    assert len(answer.json["accuracy"]) == OURS
    assert {path.name: path.read_bytes() for path in reports.rglob("*") if path.is_file()} == before


def test_a_report_is_left_as_it_is_until_the_record_or_its_files_change(finished):
    workspace, _ = finished
    table, page = (workspace.home / "reports" / name for name in ("accuracy.csv", "report.html"))
    again = ("run", "mlp", *TINY, "--seeds", "1", "--json")
    assert workspace.suite(*again).code == 0  # looks at the record, finds it whole, and notes that
    before = page.stat().st_mtime_ns

    [left] = workspace.suite(*again).json["runs"]
    assert page.stat().st_mtime_ns == before
    assert left["mlflow_run_id"]
    table.unlink()
    assert workspace.suite(*again).code == 0
    assert table.exists()


def test_an_override_is_another_identity_beside_the_first(finished):
    workspace, _ = finished

    answer = workspace.suite("run", "mlp", *TINY, "--set", "lr=0.02", "batch_size=128", "--seeds", "1")

    assert answer.code == 0
    assert "mlp-s0" in answer.out
    assert len(list(workspace.home.glob("mlruns/runs/mlp/*-s0"))) == 2
    assert "lr=0.02" in (workspace.home / "reports" / "accuracy.csv").read_text()


def test_in_a_pipe_there_is_a_plain_line_per_epoch(workspace):
    answer = workspace.suite("run", "mlp", "--data", "digits", "--seeds", "1", "--no-report")

    lines = [line for line in answer.out.splitlines() if line.startswith("mlp-s0  epoch")]
    assert [line.split()[2] for line in lines] == ["1/3", "2/3", "3/3"]
    assert "\x1b" not in answer.out + answer.err


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("crashes", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed", 1),
        ("raises", "raise ValueError('no such layer')", "failed", 2),  # network() cannot be called: a mistake in it
        ("leaves", "import os; os._exit(7)", "killed", 1),
    ],
)
def test_a_run_that_breaks_down_takes_no_other_with_it(workspace, name, body, status, code):
    own = Path(workspace.extra["SUITE_EXPERIMENTS"])
    source = (own / "slow.py").read_text().replace("    import time\n", f"    {body}\n    import time\n")
    (own / f"{name}.py").write_text(source)

    answer = workspace.suite("run", name, "mlp", *TINY, "--seeds", "1", "--no-report", "--json")

    assert answer.code == code
    assert {one["experiment"]: one["status"] for one in answer.json["runs"]} == {name: status, "mlp": "finished"}
    assert "Traceback" not in answer.err


def test_a_diverging_run_is_said_to_have_diverged_and_gives_1(workspace):
    answer = workspace.suite("run", "slow", "mlp", *TINY, "--set", "lr=1e30", "--seeds", "1", "--no-report", "--json")

    statuses = {one["experiment"]: one["status"] for one in answer.json["runs"]}
    assert answer.code == 1
    assert statuses["mlp"] == "diverged"
    assert "test/accuracy" not in next(one for one in answer.json["runs"] if one["experiment"] == "mlp")["metrics"]


def test_a_tracker_that_is_away_does_not_stop_training_and_is_made_up_for(workspace):
    away = Workspace(workspace.home, {**workspace.extra, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})

    answer = away.suite("run", "mlp", *TINY, "--seeds", "1", "--no-report", "--json")

    assert answer.code == 0
    assert answer.json["runs"][0]["status"] == "finished"
    assert "sync" in answer.err
    assert workspace.suite("sync", "--json").json["sent"] == 1
    assert workspace.suite("sync", "--json").json["sent"] == 0


def test_a_damaged_result_is_refused_by_itself(in_process, finished):
    workspace, _ = finished
    [result] = workspace.home.glob("mlruns/runs/lenet/*/result.json")
    whole = result.read_bytes()
    result.write_bytes(whole[:100])

    among_others = workspace.suite("run", "all", *TINY, "--seeds", "1", "--no-report", "--json")
    alone = in_process("run", "lenet", *TINY, "--seeds", "1", within=workspace)

    assert (among_others.code, sum(one["skipped"] for one in among_others.json["runs"])) == (2, OURS - 1)
    assert "Traceback" not in among_others.err
    assert [str(result) in line for line in among_others.err.splitlines() if "is damaged" in line] == [True]
    assert_refused(alone, 2, str(result), "is damaged", "move the folder")
    assert result.read_bytes() == whole[:100]
    result.write_bytes(whole)


def test_a_home_that_cannot_be_written_is_the_machines_fault(in_process, tmp_path):
    home = tmp_path / "taken"
    home.write_text("a file where a folder should be")
    workspace = Workspace(tmp_path, {"SUITE_HOME": str(home)})

    answer = in_process("run", "mlp", *TINY, "--seeds", "1", within=workspace)

    assert answer.code == 3
    assert str(home) in answer.err + answer.out
    assert "Traceback" not in answer.err
    assert home.read_text() == "a file where a folder should be"
