"""`verify`: finished runs are trained again by real commands and compared with their record."""

import json
import os
import shutil
from pathlib import Path

import pytest

from suite.disk.documents import document, lines
from suite.disk.journal import Run
from tests.conftest import SLOW, Answer, Workspace, assert_refused

pytestmark = pytest.mark.commands
TINY = ("--data", "digits", "--epochs", "2", "--seeds", "1")
NO_TRACKER = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home with a finished run of each of three experiments, one of them in a file of its own, and a diverged one."""
    top = tmp_path_factory.mktemp("verify")
    for name in ("home", "own"):
        (top / name).mkdir()
    quick = SLOW.replace("sleep(0.01)", "sleep(0)")
    (top / "own" / "slow.py").write_text(quick)
    (top / "own" / "wild.py").write_text(quick.replace("lr=0.1", "lr=1e30").replace("cross-entropy", "mse-one-hot"))
    workspace = Workspace(top / "home", {"SUITE_EXPERIMENTS": str(top / "own"), **NO_TRACKER})
    answer = workspace.suite("run", "mlp", "cnn", "slow", "wild", *TINY, "--no-report", "--json")
    assert {one["experiment"]: one["status"] for one in answer.json["runs"]} == {
        "cnn": "finished", "mlp": "finished", "slow": "finished", "wild": "diverged",
    }, answer.err  # fmt: skip
    return workspace


@pytest.fixture
def copied(kept: Workspace, tmp_path: Path) -> Workspace:
    """A copy of all that, to be spoilt."""
    shutil.copytree(kept.home.parent, tmp_path / "copy")
    return Workspace(tmp_path / "copy" / "home", {"SUITE_EXPERIMENTS": str(tmp_path / "copy" / "own"), **NO_TRACKER})


def folder(workspace: Workspace, name: str) -> Path:
    [found] = workspace.home.glob(f"mlruns/runs/{name}/*/")
    return found


def tree(workspace: Workspace) -> dict[str, tuple[int, bytes]]:
    """Every file of the run folders: when it was written, and what is in it."""
    paths = [path for path in (workspace.home / "mlruns" / "runs").rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def verdicts(answer: Answer) -> dict[str, str]:
    """Each run's verdict in a command's JSON."""
    return {one["run"]: one["status"] for one in answer.json["verdicts"]}


def write_again(path: Path, **changed: object) -> None:
    """A result with other values and valid digests, as a run that really came to that would have left it."""
    run = Run.at(path)
    result = json.loads((path / "result.json").read_text())
    for key in ("sha256", "files", "experiment", "identity", "seed"):
        del result[key]
    run.finish({**result, **changed})


def test_runs_that_come_to_the_same_again_are_identical_and_left_alone(kept):
    before = tree(kept)

    answer = kept.suite("verify", "all", "--json")

    assert answer.code == 0, answer.err
    assert verdicts(answer) == dict.fromkeys(["cnn-s0", "mlp-s0", "slow-s0", "wild-s0"], "identical")
    assert {one["epochs"] for one in answer.json["verdicts"]} == {0, 2}
    assert [len(one["weights_sha256"]) for one in answer.json["verdicts"] if one["run"] != "wild-s0"] == [64] * 3
    assert "wild-s0 " in answer.err
    assert "diverged as before" in answer.err
    assert tree(kept) == before


def test_mlflows_id_of_a_run_is_a_name_for_it(in_process, kept):
    tracked = Workspace(kept.home, {"SUITE_EXPERIMENTS": kept.extra["SUITE_EXPERIMENTS"]})
    [one] = tracked.suite("run", "mlp", *TINY, "--json").json["runs"]

    answer = tracked.suite("verify", one["mlflow_run_id"])
    unknown = in_process("verify", "0" * 32, within=tracked)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[-1] == (
        f"mlp-s0 ({one['identity'][:12]}): identical: weights {one['weights_sha256'][:12]}, every metric of 2 epochs."
    )
    assert_refused(unknown, 2, "there is no finished run", "0" * 32)


def test_a_record_that_was_altered_is_different_and_the_place_is_named(copied):
    mlp, cnn = Run.at(folder(copied, "mlp")), folder(copied, "cnn")
    history = mlp.history()
    history[1]["train_loss"] += 1e-9
    (mlp.folder / "history.jsonl").write_bytes(lines(history))
    write_again(mlp.folder)
    write_again(cnn, weights_sha256="f" * 64)
    before = tree(copied)

    answer = copied.suite("verify", "mlp-s0", "cnn-s0", "slow-s0", "--json")

    first, second, third = answer.json["verdicts"]
    assert answer.code == 1
    assert [one["status"] for one in answer.json["verdicts"]] == ["different", "different", "identical"]
    assert (first["difference"]["epoch"], first["difference"]["quantity"]) == (1, "train_loss")
    assert first["difference"]["before"] == history[1]["train_loss"]
    assert (second["difference"]["epoch"], second["difference"]["quantity"]) == (None, "weights_sha256")
    assert third["difference"] is None
    assert "mlp-s0" in answer.err
    assert "different, first in epoch 2: train_loss was " in answer.err
    assert "a difference of -1e-09" in answer.err
    assert "different, first in the result: weights_sha256 was ffffffffffffffff and is" in answer.err
    assert tree(copied) == before


@pytest.mark.promise
@pytest.mark.full
def test_another_environment_is_named_as_what_could_explain_it(copied):
    """Instructions of another width sum in another order."""
    environment = json.loads((folder(copied, "cnn") / "recipe.json").read_text())["environment"]
    if environment["cpu_capability"] in ("DEFAULT", "NO AVX"):
        pytest.skip("this processor has no wider instructions that could be forbidden")
    switches = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}

    answer = Workspace(copied.home, {**copied.extra, **switches}).suite("verify", "cnn-s0", "--json")

    [one] = answer.json["verdicts"]
    assert (answer.code, one["status"]) == (1, "different")
    assert one["environment"]["switches"] == {"before": {}, "now": switches}
    assert one["environment"]["cpu_capability"]["now"] == "DEFAULT"
    assert "Possible causes: " in answer.err
    assert f"cpu_capability {environment['cpu_capability']} then, DEFAULT now" in answer.err
    assert len(answer.err.splitlines()[-1]) < 1000


def test_what_cannot_be_verified_is_refused_and_the_others_are_verified(copied):
    """A network that was edited, weights that were cut, and a file that is gone."""
    own = Path(copied.extra["SUITE_EXPERIMENTS"])
    (own / "slow.py").write_text(SLOW.replace("nn.Flatten(), Slow", "nn.Flatten(), nn.ReLU(), Slow"))
    weights = folder(copied, "cnn") / "weights.safetensors"
    os.truncate(weights, 1000)
    shutil.copytree(folder(copied, "mlp"), copied.home / "mlruns/runs/gone" / folder(copied, "mlp").name)
    gone = folder(copied, "gone")
    for name in ("recipe.json", "result.json"):
        facts = json.loads((gone / name).read_text())
        del facts["sha256"]
        (gone / name).write_bytes(document({**facts, "experiment": "gone"}))
    write_again(gone)
    before = tree(copied)

    answer = copied.suite("verify", "all", "--json")

    why = {one["run"]: one["reason"] for one in answer.json["verdicts"]}
    assert answer.code == 2, answer.err
    assert verdicts(answer) == {
        "cnn-s0": "refused", "gone-s0": "refused", "slow-s0": "refused", "mlp-s0": "identical", "wild-s0": "identical",
    }  # fmt: skip
    assert f"{weights} is damaged" in why["cnn-s0"]
    assert "no experiment 'gone'" in why["gone-s0"]
    assert f"{own / 'slow.py'} has another network" in why["slow-s0"]
    environment = json.loads((folder(copied, "slow") / "recipe.json").read_text())["environment"]
    if commit := environment.get("git_commit"):
        assert f"Check out commit {commit[:12]}" in why["slow-s0"]
        assert ("source.patch" in why["slow-s0"]) == ("patch_sha256" in environment)
    for reason in filter(None, why.values()):
        assert f"suite: {next(run for run in why if why[run] == reason)}" in answer.err
        assert reason in answer.err
    assert "Traceback" not in answer.err
    assert tree(copied) == before


def test_a_run_that_put_a_later_field_back_to_its_default_is_trained_again_with_it(tmp_path):
    """Its record is silent of the field, and the experiment's file says something else."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "cycle.py").write_text(SLOW.replace("lr=0.1", "lr=0.1, schedule='one-cycle'"))
    workspace = Workspace(tmp_path / "home", {"SUITE_EXPERIMENTS": str(tmp_path / "own"), **NO_TRACKER})
    workspace.home.mkdir()
    workspace.suite("run", "cycle", *TINY, "--no-report")
    workspace.suite("run", "cycle", *TINY, "--no-report", "--set", "schedule=constant")

    answer = workspace.suite("verify", "all", "--json")

    assert answer.code == 0, answer.err
    assert [(one["run"], one["status"]) for one in answer.json["verdicts"]] == [("cycle-s0", "identical")] * 2


def test_a_run_that_is_not_finished_is_refused_before_anything_is_trained(in_process, copied):
    (folder(copied, "mlp") / "result.json").unlink()

    answer = in_process("verify", "cnn-s0", "mlp-s0", within=copied)

    assert_refused(answer, 2, "there is no finished run 'mlp-s0'", "Give a name such as lenet-s0")
