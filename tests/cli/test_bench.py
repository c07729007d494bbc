"""`bench`, as commands in real processes: its tables, its verdicts, its words for what is wrong."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from suite.analysis.ratios import Ratio
from suite.benching import speed_gate
from suite.benching.baselines import Baseline, kind, write
from suite.benching.session import ROUNDS, Seen
from suite.recipe.registry import OURS
from tests.conftest import Command, Workspace, assert_refused
from tests.documents import valid

pytestmark = pytest.mark.commands
MLP = ("mlp", "--data", "digits", "--seconds", "1")


@pytest.mark.promise
@pytest.mark.full
def test_it_measures_beside_each_reference_and_keeps_what_it_found(workspace: Workspace) -> None:
    answer = workspace.suite("bench", *MLP, "--json")

    assert answer.code == 0, answer.err
    [found] = answer.json["measured"]
    assert found["experiment"] == "mlp data=digits"
    assert found["times_as_fast_as"].keys() == {"bare loop", "tutorial loop", "Lightning", "suite"}
    for one in (*found["times_as_fast_as"].values(), found["same_against_itself"]):
        assert 0 < one["low"] <= one["value"] <= one["high"]
    assert found["times_as_fast_as"]["tutorial loop"]["low"] > 1  # by a factor of ten and more
    assert 0 < found["latency_p50_ms"] <= found["latency_p99_ms"]
    assert found["images_per_second"] * found["milliseconds_per_step"] / 1000 == pytest.approx(512, rel=0.5)
    assert found["smallest_effect"] > 1
    reports = Path(workspace.home, "reports")
    with (reports / "bench.csv").open() as table:
        assert {row["beside"] for row in csv.DictReader(table)} == found["times_as_fast_as"].keys()
    assert (reports / "bench.png").stat().st_size > 5_000


@pytest.mark.promise
@pytest.mark.full
def test_a_baseline_is_measured_and_judged_by(workspace: Workspace, tmp_path: Path) -> None:
    speed = tmp_path / "speed.json"

    updated = workspace.suite("bench", *MLP, "--update", "--baseline", str(speed))
    checked = workspace.suite("bench", *MLP, "--check", "--baseline", str(speed), "--limit", "9")
    facts = json.loads(speed.read_text())
    [entry] = facts["mlp data=digits"].values()  # of this kind of processor
    entry["value"] /= 50  # as if a step had been fifty times as fast
    speed.write_text(json.dumps(facts))
    lost = workspace.suite("bench", *MLP, "--check", "--baseline", str(speed))

    assert updated.code == 0, updated.err
    assert "Commit it." in updated.out
    assert checked.code == 0, checked.out
    assert "mlp data=digits: PASS" in checked.out
    assert lost.code == 1
    assert "mlp data=digits: FAIL" in lost.out


@pytest.mark.promise
@pytest.mark.full
def test_a_slower_step_than_the_last_commits_is_noticed(workspace: Workspace, tmp_path: Path) -> None:
    """In a clone, whose engine is then made to spend a hundredth of a second more on each step."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", OURS.parent, clone], check=True)
    for name in ("suite", "experiments"):  # as they are now, committed or not
        shutil.copytree(OURS.parent / name, clone / name, dirs_exist_ok=True)
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", "-C", clone, "add", "--all"], check=True)
    subprocess.run(["git", "-C", clone, *who, "commit", "-q", "--allow-empty", "-m", "now"], check=True)
    epoch = clone / "suite" / "engine" / "epoch.py"
    text = epoch.read_text()
    mark = "        if enough(step, watch.seconds):\n"
    assert mark in text
    burn = "        until = time.thread_time() + 0.01\n        while time.thread_time() < until:\n            pass\n"
    epoch.write_text(text.replace(mark, burn + mark))

    there = replace(workspace, extra={**workspace.extra, "PYTHONPATH": str(clone)})
    answer = there.suite("bench", *MLP, "--against", "HEAD", "--json")

    assert answer.code == 1, answer.out + answer.err
    [found] = answer.json["verdicts"]
    assert found["verdict"] == "FAIL"
    assert found["interval"][0] > 1.05


@pytest.mark.promise
@pytest.mark.full
def test_the_same_interpreter_is_not_slower_than_itself_by_a_factor(workspace: Workspace) -> None:
    answer = workspace.suite("bench", *MLP, "--against-env", sys.executable, "--limit", "9")

    assert answer.code == 0, answer.out + answer.err
    assert f"times as long as {sys.executable}" in answer.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--against", "nosuch"), "there is no revision 'nosuch' in "),
        (("--against", "HEAD", "--check"), "--check and --against: one question at a time. Give one of them."),
        (("--against-env", "/nosuch/python"), "/nosuch/python: no such file or directory. Give the path of a Python"),
        (("--check", "--baseline", "/nosuch.json"), "/nosuch.json: there is no such baseline. Run the same command"),
        (("--check",), "has no baseline of mlp data=digits; it has "),
        (("--limit", "0.9"), "expected a number from 1 such as 1.05, got '0.9'"),
        (("--seconds", "soon"), "expected a time such as 90s, 10m or 2h, got 'soon'"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(in_process: Command, words, line) -> None:
    assert_refused(in_process("bench", *MLP, *words), 2, line)


def test_an_experiment_without_a_baseline_of_this_kind_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, in_process: Command, tmp_path: Path
) -> None:
    here = Baseline(Ratio(1.0, 0.005, ROUNDS, 10), kind(), "2", "same")
    write(tmp_path / "speed.json", {"mlp data=digits": here, "lenet data=digits": replace(here, cpu="Another, AVX2")})
    seen = Seen({"identity": "same", "suite": "1", "torch": "2"}, [[0.01] * 5] * ROUNDS)
    monkeypatch.setattr(speed_gate, "measure", lambda _job, sides, *_: {side.name: seen for side in sides})
    words = ("--data", "digits", "--check", "--baseline", str(tmp_path / "speed.json"))

    answer = in_process("bench", "mlp", "lenet", *words, "--margin", "3%", "--json")
    alone = in_process("bench", "lenet", *words)

    assert answer.code == 4
    document = valid(answer.out)
    assert [(one["experiment"], one["verdict"]) for one in document["verdicts"]] == [("mlp data=digits", "PASS")]
    assert document["verdicts"][0]["relation"]["shown"] == "equivalent"
    assert document["not_judged"] == ["lenet data=digits"]
    assert "lenet data=digits: not judged, because" in answer.err
    assert_refused(alone, 4, "no baseline of lenet data=digits for this kind of processor")


def test_an_interpreter_without_the_libraries_is_refused_by_its_last_word(in_process: Command, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"

    assert_refused(in_process("bench", *MLP, "--against-env", str(python)), 2, "No module named")
