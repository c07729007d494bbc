"""`history` as it is used: real verdicts are kept, and a change that was planted three commits back is named."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from suite.api.history import commit
from suite.disk import verdicts
from tests.conftest import Workspace, assert_refused
from tests.documents import valid

KIND = "A processor, AVX2"


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    answer = subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def verdict(commit: str, value: float, number: int, **other: object) -> dict:
    return {
        "at": f"2026-11-{28 - number // 24:02}T{number % 24:02}:00:00+00:00", "verb": "gate", "experiment": "lenet",
        "measure": "test accuracy", "beside": "", "value": value, "low": value - 0.01, "high": value + 0.01, "n": 3,
        "verdict": "PASS", "commit": commit, "dirty": False, "kind": KIND, "versions": {"torch": "2.15"}, **other,
    }  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Workspace, Path, list[str]]:
    """A home in a git repository of twelve commits, whose accuracy fell three commits back; times say nothing."""
    git(tmp_path, "init", "-q")
    commits, draw = [], np.random.default_rng(7)
    for number in range(12):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", f"change {number}")
        commits.append(git(tmp_path, "rev-parse", "HEAD"))
    values = 0.87 + 0.002 * draw.standard_normal(12) - 0.03 * (np.arange(12) >= 9)
    lines = [verdict(commits[n], float(values[n]), 40 - n) for n in range(12)]
    verdicts.append(tmp_path / "mlruns" / "history.jsonl", [lines[n] for n in draw.permutation(12)])
    return Workspace(tmp_path), tmp_path, commits


@pytest.mark.commands
def test_a_change_three_commits_back_is_found_and_named(repository):
    workspace, folder, commits = repository
    shown = workspace.suite("history", "--to", str(folder / "page"))
    facts = valid(workspace.suite("history", "lenet", "--json").out)

    assert shown.code == 0, shown
    [series] = facts["series"]
    [change] = series["changes"]
    assert [point["commit"] for point in series["points"]] == commits
    assert (change["commit"], change["after"]) == (commits[9], commits[8])
    assert change["from"] - change["to"] == pytest.approx(0.03, abs=0.005)
    assert f"at commit {commits[9][:9]} (before it {commits[8][:9]} was measured)" in shown.out
    page = (folder / "page" / "report.html").read_text()
    assert commits[9][:9] in page
    assert len((folder / "page" / "verdicts.csv").read_text().splitlines()) == 13


@pytest.mark.commands
def test_another_processor_or_torch_is_another_series_and_no_change(repository):
    workspace, folder, commits = repository
    path = folder / "mlruns" / "history.jsonl"
    records = verdicts.read(path)
    path.unlink()
    late = {commit: {"kind": "Another, AVX-512"} for commit in commits[9:]}
    verdicts.append(path, [{**one, **late.get(one["commit"], {})} for one in records])

    facts = valid(workspace.suite("history", "--json").out)

    assert [len(series["points"]) for series in facts["series"]] == [9, 3] or [3, 9]
    assert [series["changes"] for series in facts["series"]] == [[], []]


@pytest.mark.commands
def test_a_gate_adds_its_verdict_with_commit_and_machine(tmp_path, repository):
    _, folder, commits = repository
    file = tmp_path / "verdicts.jsonl"
    workspace = Workspace(folder, {"SUITE_HISTORY": str(folder / "other.jsonl")})
    reference = folder / "reference.json"
    words = ("gate", "mlp", "--data", "digits", "--epochs", "1", "--reference", str(reference), "--limit", "3")
    updated = workspace.suite(*words, "--update", "--seeds", "3")
    judged = workspace.suite(*words, "--history", str(file))
    again = workspace.suite(*words)

    assert updated.code == 0, updated
    [line] = verdicts.read(file)
    [other] = verdicts.read(folder / "other.jsonl")  # where SUITE_HISTORY says
    assert (other["value"], again.code) == (line["value"], judged.code)
    assert (line["verb"], line["commit"], line["n"]) == ("gate", commits[-1], 3)
    assert line["verdict"] in judged.out
    assert line["low"] < line["value"] < line["high"]
    assert line["kind"].count(", ") == 1


def test_a_repository_that_git_does_not_trust_runs_nothing_and_names_no_commit(repository, monkeypatch):
    _, folder, commits = repository
    ran, program = folder / "ran", folder / "monitor"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    git(folder, "config", "core.fsmonitor", str(program))
    monkeypatch.chdir(folder)
    trusted = commit()
    seen = ran.exists()
    ran.unlink(missing_ok=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own tests use it

    assert (trusted["commit"], seen) == (commits[-1], True)
    assert commit() == {"commit": "", "dirty": False}
    assert not ran.exists()


@pytest.mark.parametrize(
    "words",
    [("gate", "mlp", "--reference", "/nosuch.json"), ("bench", "mlp", "--check", "--baseline", "/nosuch.json"),
     ("history",)],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_before_anything_is_trained_or_added(tmp_path, in_process, words):
    notes = tmp_path / "notes.md"
    notes.write_text("# Not verdicts\n")

    assert_refused(in_process(*words, "--history", str(notes)), 2, "notes.md, line 1 is damaged")
    assert notes.read_text() == "# Not verdicts\n"


def test_an_empty_history_and_an_unknown_name_are_one_line(tmp_path, in_process):
    nothing = in_process("history", "--history", str(tmp_path / "none.jsonl"))
    verdicts.append(tmp_path / "some.jsonl", [verdict("", 0.9, 1)])
    unknown = in_process("history", "cnn", "--history", str(tmp_path / "some.jsonl"))
    (tmp_path / "bad.jsonl").write_text(json.dumps({"at": 1}) + "\n")
    damaged = in_process("history", "--history", str(tmp_path / "bad.jsonl"))

    assert nothing.code == 0
    assert "no verdicts yet" in nothing.out
    assert_refused(unknown, 2, "no verdict on cnn", "it has lenet")
    assert_refused(damaged, 2, "bad.jsonl, line 1 is damaged")
