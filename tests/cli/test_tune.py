"""`tune`: studies by real commands, from the prompt to the report."""

import json
import platform
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import pytest

from tests.conftest import ROOT, Workspace, assert_refused

pytestmark = pytest.mark.commands

QUICK = '''"""A linear layer whose published rate is far too small."""

from suite.recipe import Recipe

recipe = Recipe(
    data="digits", loss="cross-entropy", optimizer="sgd", lr=0.0005, batch_size=64, epochs=2,
    space={"lr": "3e-4..1", "batch_size": "32,64,128"},
)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''
WORDS = ("tune", "quick", "--trials", "8", "--seeds", "2", "--fresh-seeds", "3", "--workers", "2")
FEW = (*WORDS[:2], "--trials", "3", *WORDS[4:])  # where it does not matter what is found
BRIEF, FEW_BRIEF = (*WORDS, "--no-report"), (*FEW, "--no-report")  # where no report is looked at


@pytest.fixture
def quick(workspace):
    """A workspace that knows the experiment `quick`."""
    (workspace.home.parent / "own" / "quick.py").write_text(QUICK)
    return workspace


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A home in which the study of `WORDS` has come to its end, and what that command answered."""
    root = tmp_path_factory.mktemp("finished")
    (root / "own").mkdir()
    (root / "home").mkdir()
    (root / "own" / "quick.py").write_text(QUICK)
    workspace = Workspace(root / "home", {"SUITE_EXPERIMENTS": str(root / "own")})
    answer = workspace.suite(*WORDS, "--save")
    assert answer.code == 0, answer.err
    return workspace, answer


@pytest.fixture
def done(finished, tmp_path):
    """A copy of that home, to do something with."""
    workspace, _ = finished
    shutil.copytree(workspace.home, tmp_path / "copy")
    return Workspace(tmp_path / "copy", workspace.extra)


def study_of(workspace, name="quick"):
    return json.loads((workspace.home / "mlruns" / "studies" / f"{name}.json").read_text())


def the_same_in_every_command(facts):
    kept = ("number", "values", "state", "results", "reports", "accuracies")
    return [{key: trial[key] for key in kept} for trial in facts["trials"]]


def times_in(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def states_in_storage(workspace):
    with closing(sqlite3.connect(workspace.home / "mlruns" / "studies" / "studies.db")) as database:
        return [state for (state,) in database.execute("SELECT state FROM trials ORDER BY number")]


def test_from_the_prompt_to_the_report(finished):
    workspace, answer = finished

    facts = study_of(workspace)
    assert [trial["number"] for trial in facts["trials"]] == list(range(8))
    assert facts["trials"][0]["values"] == {"batch_size": 64, "lr": 0.0005}
    assert "is better than the published setting" in answer.out
    assert "of the test images right, 3 seeds" in answer.out
    page = (workspace.home / "reports" / "report.html").read_text()
    assert "Study of quick" in page
    for name in ("trials.csv", "finalists.csv"):
        assert (workspace.home / "reports" / name).exists()
    saved = workspace.home.parent / "own" / "quick_tuned.py"
    assert "is better" not in saved.read_text()
    assert f"trial {facts['outcome']['rows'][0]['trial']}" in saved.read_text()
    assert workspace.suite("list").out.count("quick_tuned") == 1
    ours = {path.name for path in (ROOT / "experiments").iterdir()}
    assert "quick_tuned.py" not in ours


def test_the_same_command_again_trains_nothing_and_says_the_same(done):
    first = study_of(done)
    folders = sorted(done.home.glob("mlruns/trials/*/*/checkpoint"))
    times = [folder.stat().st_mtime_ns for folder in folders]

    again = done.suite(*WORDS, "--json")

    assert again.code == 0
    kept = ("trials", "outcome", "importances", "test", "rules")
    assert {key: again.json[key] for key in kept} == {key: first[key] for key in kept}
    assert [folder.stat().st_mtime_ns for folder in sorted(done.home.glob("mlruns/trials/*/*/checkpoint"))] == times


def test_ctrl_c_is_one_line_and_the_same_command_comes_to_the_same(quick, finished):
    process = quick.start(*BRIEF)
    deadline = time.monotonic() + 60
    while not list(quick.home.glob("mlruns/trials/*/*/history.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("suite: interrupted")
    assert "Traceback" not in err
    assert "RUNNING" in states_in_storage(quick)
    assert quick.suite(*BRIEF).code == 0
    assert the_same_in_every_command(study_of(quick)) == the_same_in_every_command(study_of(finished[0]))
    assert "RUNNING" not in states_in_storage(quick)


def test_a_larger_total_extends_the_study(done):
    before, reports = the_same_in_every_command(study_of(done)), times_in(done.home / "reports")

    answer = done.suite("tune", "quick", "--trials", "12", "--seeds", "2", "--fresh-seeds", "3", "--no-report")

    assert answer.code == 0
    assert times_in(done.home / "reports") == reports != {}
    after = the_same_in_every_command(study_of(done))
    assert (after[:8], len(after)) == (before, 12)


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        (("--seeds", "3"), "value of seeds: 2, not 3"),
        (("--seeds", "2", "--epochs", "3"), "value of recipe: epochs=2, not epochs=3"),
        (("--seeds", "2", "--space", "lr=0.01..1"), "value of space: batch_size=32,64,128 lr=3e-4..1, not lr=0.01..1"),
        (("--seeds", "2", "--sampler", "random"), "value of sampler: tpe, not random"),
    ],
)
def test_a_study_of_other_rules_is_left_alone(in_process, done, words, fragment):
    studies = done.home / "mlruns" / "studies"
    before = {path.name: path.read_bytes() for path in studies.iterdir()}

    answer = in_process("tune", "quick", "--trials", "12", "--fresh-seeds", "3", *words, within=done)

    assert_refused(answer, 2, "study 'quick'", fragment, "--study")
    assert {path.name: path.read_bytes() for path in studies.iterdir()} == before


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.skipif(platform.machine() != "x86_64", reason="torch computes in one way only on this processor")
def test_a_study_does_not_go_on_where_other_numbers_are_computed(quick):
    words = ("tune", "quick", "--trials", "2", "--seeds", "1", "--fresh-seeds", "3", "--no-report", "--workers", "2")
    by_torch = replace(quick, extra={**quick.extra, "SUITE_KERNELS": "torch"})
    lesser = replace(quick, extra={**by_torch.extra, "ATEN_CPU_CAPABILITY": "default"})
    more = ("--trials", "3")

    first, refused, mixed = by_torch.suite(*words), lesser.suite(*words, *more), quick.suite(*words, *more)
    begun = sorted(quick.home.glob("mlruns/trials/*/*/checkpoint"))
    again = by_torch.suite(*words, *more)

    assert (first.code, again.code) == (0, 0), (first, again)
    assert refused.code == 2, refused
    assert "belongs to a study whose trials were trained on machines of the numeric class" in refused.err
    assert mixed.code == 2, mixed
    assert "were computed by torch, as the user chose; here it would be kernels" in mixed.err
    assert (refused.err.count("\n"), mixed.err.count("\n")) == (1, 1)
    assert len(begun) < len(list(quick.home.glob("mlruns/trials/*/*/checkpoint")))
    assert len(study_of(quick)["trials"]) == 3


def test_trials_that_diverge_are_failed_trials_with_a_reason(quick):
    answer = quick.suite(*BRIEF, "--space", "lr=1e-3,3e38", "--trials", "3", "--sampler", "grid", "--study", "wild")

    facts = study_of(quick, "wild")
    assert answer.code == 0, answer.err
    assert [trial["state"] for trial in facts["trials"]].count("FAIL") == 1
    [failed] = [trial for trial in facts["trials"] if trial["state"] == "FAIL"]
    assert failed["values"]["lr"] == 3e38
    assert "diverged in epoch 1" in failed["reason"]
    assert "failed: seed 0: diverged in epoch 1" in answer.out


@pytest.mark.parametrize("budget", ["steps", pytest.param("seconds", marks=[pytest.mark.promise, pytest.mark.full])])
def test_other_budgets_come_to_an_end_too(quick, budget):
    answer = quick.suite(*FEW_BRIEF, "--budget", budget, "--study", "budget")

    facts = study_of(quick, "budget")
    assert answer.code == 0, answer.err
    assert facts["rules"]["budget"] == budget
    assert facts["amount"] == 40 if budget == "steps" else facts["amount"] > 0


@pytest.mark.parametrize("more", [("--set", "schedule=one-cycle"), ("--space", "schedule=constant,one-cycle")])
def test_a_schedule_that_ends_with_a_step_cannot_be_given_seconds(in_process, quick, more):
    answer = in_process(*WORDS, "--budget", "seconds", *more, within=quick)

    assert_refused(answer, 2, "--budget seconds: quick's schedule", "Choose --budget samples or steps.")


def test_two_objectives_give_a_front(quick):
    answer = quick.suite(*FEW, "--objective", "both")

    facts = study_of(quick)
    assert answer.code == 0, answer.err
    assert {trial["state"] for trial in facts["trials"]} <= {"COMPLETE", "FAIL"}
    assert all(len(trial["results"]) == 2 for trial in facts["trials"] if trial["state"] == "COMPLETE")
    assert (
        "Pareto" in (quick.home / "reports" / "report.html").read_text()
        or (quick.home / "reports" / "pictures" / "study-quick-front.svg").exists()
    )


def test_a_damaged_storage_is_refused_and_trained_again_from_nothing(in_process, done):
    wanted = the_same_in_every_command(study_of(done))
    database = done.home / "mlruns" / "studies" / "studies.db"
    database.write_bytes(b"nothing of a database")

    assert_refused(in_process(*WORDS, within=done), 2, str(database), "is damaged", "move it away")
    assert database.read_bytes() == b"nothing of a database"
    checkpoints = {path: path.stat().st_mtime_ns for path in done.home.glob("mlruns/trials/*/*/checkpoint")}
    database.unlink()

    assert done.suite(*BRIEF).code == 0
    assert the_same_in_every_command(study_of(done)) == wanted
    assert {path: path.stat().st_mtime_ns for path in done.home.glob("mlruns/trials/*/*/checkpoint")} == checkpoints


@pytest.mark.promise
@pytest.mark.full
def test_a_tracker_that_is_away_is_one_warning(quick):
    away = type(quick)(quick.home, {**quick.extra, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})

    answer = away.suite(*FEW)

    assert answer.code == 0
    assert len([line for line in answer.err.splitlines() if "does not answer" in line]) == 1
    assert quick.suite("report").code == 0
    assert "Study of quick" in (quick.home / "reports" / "report.html").read_text()
