"""The main job on the digits, through the command line, in real processes."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Workspace, assert_refused

pytestmark = pytest.mark.commands  # real commands in real processes: minutes, not seconds
TINY = ("--data", "digits", "--epochs", "1")


def hashes(answer):
    return {(one["experiment"], one["seed"]): one["weights_sha256"] for one in answer.json}


def wait_for(path_of, process=None, seconds=90):
    """Wait until something is there, or fail."""
    until = time.monotonic() + seconds
    while not (found := path_of()):
        assert time.monotonic() < until, "it never came"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.01)
    return found


def checkpoints(workspace):
    return lambda: list(workspace.home.glob("mlruns/runs/slow/*/checkpoint"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A home in which all eight ran for an epoch on the digits, and what that command answered."""
    workspace = Workspace(tmp_path_factory.mktemp("finished"))
    return workspace, workspace.suite("run", "all", *TINY, "--seeds", "1", "--json")


def test_the_main_job_trains_records_and_reports(finished):
    workspace, answer = finished

    assert answer.code == 0, answer.err
    assert [one["status"] for one in answer.json] == ["finished"] * 8
    for one in answer.json:
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
    assert all(one["skipped"] for one in again.json)
    assert hashes(again) == hashes(first)
    assert {one["mlflow_run_id"] for one in again.json} == {one["mlflow_run_id"] for one in first.json}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_all_eight_give_the_same_weights_in_other_company_and_order(finished, tmp_path):
    _, first = finished
    other = Workspace(tmp_path)

    answer = other.suite("run", "mlp", "cnn", "lenet_gaussian", "lenet", "cnn_one_epoch", "lenet_avgpool",
                         "train_mnist_fast", "speedrun", *TINY, "--seeds", "1", "--workers", "1", "--json")  # fmt: skip

    assert hashes(answer) == hashes(first)


def test_the_report_is_written_again_from_mlflow_with_the_same_bytes(finished):
    workspace, _ = finished
    reports = workspace.home / "reports"
    before = {path.name: path.read_bytes() for path in reports.rglob("*") if path.is_file()}

    answer = workspace.suite("report", "--json")

    assert answer.code == 0
    assert len(answer.json["accuracy"]) == 8
    assert {path.name: path.read_bytes() for path in reports.rglob("*") if path.is_file()} == before


def test_an_override_is_another_identity_beside_the_first(finished):
    workspace, _ = finished

    answer = workspace.suite("run", "mlp", *TINY, "--set", "lr=0.02", "batch_size=128", "--seeds", "1")

    assert answer.code == 0
    assert "mlp-s0" in answer.out
    assert len(list(workspace.home.glob("mlruns/runs/mlp/*-s0"))) == 2
    assert "lr=0.02" in (workspace.home / "reports" / "accuracy.csv").read_text()


def test_in_a_pipe_there_is_a_plain_line_per_epoch(workspace):
    answer = workspace.suite("run", "mlp", "--data", "digits", "--seeds", "1")

    lines = [line for line in answer.out.splitlines() if line.startswith("mlp-s0  epoch")]
    assert [line.split()[2] for line in lines] == ["1/3", "2/3", "3/3"]
    assert "\x1b" not in answer.out + answer.err


def test_ctrl_c_leaves_everything_resumable_and_the_same_weights_come_out(workspace, tmp_path):
    process = workspace.start("run", "slow", "--seeds", "1")
    wait_for(checkpoints(workspace), process)

    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in out + err
    assert time.monotonic() - begun < 30  # a hang, not a speed
    assert workspace.results() == {}
    resumed = workspace.suite("run", "slow", "--seeds", "1", "--json")
    unbroken = Workspace(other_home(tmp_path), workspace.extra).suite("run", "slow", "--seeds", "1", "--json")
    assert hashes(resumed) == hashes(unbroken)
    assert epochs(resumed) == epochs(unbroken) == list(range(6))


def test_kill_9_of_everything_leaves_everything_resumable(workspace, tmp_path):
    process = workspace.start("run", "slow", "--seeds", "1")
    wait_for(checkpoints(workspace), process)

    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    resumed = workspace.suite("run", "slow", "--seeds", "1", "--json")

    unbroken = Workspace(other_home(tmp_path), workspace.extra).suite("run", "slow", "--seeds", "1", "--json")
    assert resumed.code == 0, resumed.err
    assert hashes(resumed) == hashes(unbroken)


def other_home(tmp_path):
    home = tmp_path / "unbroken"
    home.mkdir()
    return home


def epochs(answer):
    history = Path(answer.json[0]["folder"], "history.jsonl").read_text()
    return [json.loads(line)["epoch"] for line in history.splitlines()]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("crashes", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed"),
        ("raises", "raise ValueError('no such layer')", "failed"),
        ("leaves", "import os; os._exit(7)", "killed"),
    ],
)
def test_a_run_that_breaks_down_takes_no_other_with_it(workspace, name, body, status):
    own = Path(workspace.extra["SUITE_EXPERIMENTS"])
    source = (own / "slow.py").read_text().replace("    import time\n", f"    {body}\n    import time\n")
    (own / f"{name}.py").write_text(source)

    answer = workspace.suite("run", name, "mlp", *TINY, "--seeds", "1", "--json")

    assert answer.code == 1
    assert {one["experiment"]: one["status"] for one in answer.json} == {name: status, "mlp": "finished"}
    assert "Traceback" not in answer.err


def test_a_diverging_run_is_said_to_have_diverged_and_gives_1(workspace):
    answer = workspace.suite("run", "slow", "mlp", *TINY, "--set", "lr=1e30", "--seeds", "1", "--json")

    statuses = {one["experiment"]: one["status"] for one in answer.json}
    assert answer.code == 1
    assert statuses["mlp"] == "diverged"
    assert "test/accuracy" not in next(one for one in answer.json if one["experiment"] == "mlp")["metrics"]


def test_two_commands_at_once_train_each_run_once(workspace):
    both = [workspace.start("run", "slow", "mlp", "--data", "digits", "--seeds", "1", "--json") for _ in range(2)]

    answers = [(process.communicate(timeout=240), process.returncode) for process in both]

    assert [code for _, code in answers] == [0, 0], answers
    first, second = ([one["weights_sha256"] for one in json.loads(out)] for (out, _), _ in answers)
    assert first == second
    logs = [path.read_text() for path in workspace.home.glob("mlruns/runs/*/*/output.log")]
    assert len(logs) == 2


def test_a_tracker_that_is_away_does_not_stop_training_and_is_made_up_for(workspace):
    away = Workspace(workspace.home, {**workspace.extra, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})

    answer = away.suite("run", "mlp", *TINY, "--seeds", "1", "--json")

    assert answer.code == 0
    assert answer.json[0]["status"] == "finished"
    assert "sync" in answer.err
    assert workspace.suite("sync", "--json").json["sent"] == 1
    assert workspace.suite("sync", "--json").json["sent"] == 0


def test_a_damaged_result_is_refused_by_itself(finished):
    workspace, _ = finished
    [result] = workspace.home.glob("mlruns/runs/lenet/*/result.json")
    whole = result.read_bytes()
    result.write_bytes(whole[:100])

    among_others = workspace.suite("run", "all", *TINY, "--seeds", "1", "--no-report", "--json")
    alone = workspace.suite("run", "lenet", *TINY, "--seeds", "1")

    assert (among_others.code, sum(one["skipped"] for one in among_others.json)) == (2, 7)
    assert "Traceback" not in among_others.err
    assert [str(result) in line for line in among_others.err.splitlines() if "is damaged" in line] == [True]
    assert_refused(alone, 2, str(result), "is damaged", "move the folder")
    assert result.read_bytes() == whole[:100]
    result.write_bytes(whole)


def test_a_home_that_cannot_be_written_is_the_machines_fault(tmp_path):
    home = tmp_path / "home"
    home.write_text("a file where a folder should be")
    workspace = Workspace(tmp_path, {"SUITE_HOME": str(home)})

    answer = workspace.suite("run", "mlp", *TINY, "--seeds", "1")

    assert answer.code == 3
    assert str(home) in answer.err + answer.out
    assert "Traceback" not in answer.err
    assert home.read_text() == "a file where a folder should be"
