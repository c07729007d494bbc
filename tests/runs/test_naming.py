"""Which finished runs a user means, and what became of one in a line."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from suite.disk.journal import Run
from suite.errors import SuiteError
from suite.runs.naming import find_runs, name_of, one_trained
from suite.runs.verify import Verdict

ONE, OTHER = "0123456789abcdef", "0123457777777777"
RECORD = {"a" * 32: (ONE + "0" * 48, 1), "b" * 32: ("9" * 64, 0)}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folders of three finished runs and an unfinished one."""
    for folder in (f"lenet/{ONE}-s0", f"lenet/{ONE}-s1", f"mlp/{OTHER}-s0"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "result.json").touch()
    (tmp_path / f"cnn/{'c' * 16}-s0").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def found(runs: Path) -> Callable[..., list[str]]:
    """What words mean, as the folders' names."""
    return lambda *words: [str(path.relative_to(runs)) for path in find_runs(words, runs, RECORD.get)]


def test_all_is_every_finished_run(found):
    assert found("all") == [f"lenet/{ONE}-s0", f"lenet/{ONE}-s1", f"mlp/{OTHER}-s0"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("lenet-s1", [f"lenet/{ONE}-s1"]),
        (ONE, [f"lenet/{ONE}-s0", f"lenet/{ONE}-s1"]),
        (ONE[:7], [f"lenet/{ONE}-s0", f"lenet/{ONE}-s1"]),
        (ONE[:6], [f"lenet/{ONE}-s0", f"lenet/{ONE}-s1", f"mlp/{OTHER}-s0"]),
        (ONE + "0" * 48, [f"lenet/{ONE}-s0", f"lenet/{ONE}-s1"]),
        ("a" * 32, [f"lenet/{ONE}-s1"]),
    ],
    ids=["a name", "an identity's folder", "its start", "the start of two", "a whole identity", "MLflow's id"],
)
def test_a_word_means_the_runs_of_its_name_identity_or_id(found, word, meant):
    assert found(word) == meant


def test_a_folder_means_its_run_however_it_is_written(found, runs, monkeypatch):
    monkeypatch.chdir(runs / "mlp")

    assert found(f"{runs}/mlp/{OTHER}-s0/") == found(f"../mlp/{OTHER}-s0") == [f"mlp/{OTHER}-s0"]


def test_the_name_of_a_folder_means_its_run(found):
    assert found(f"{ONE}-s1") == [f"lenet/{ONE}-s1"]


def test_a_run_that_is_meant_twice_is_verified_once(found):
    assert found("mlp-s0", "all", OTHER) == [f"mlp/{OTHER}-s0", f"lenet/{ONE}-s0", f"lenet/{ONE}-s1"]


@pytest.mark.parametrize(
    "word",
    ["lenet-s7", "lenet", ONE[:5], "b" * 32, "d" * 32, "ffffff", "/", "./mlp-s0", "~no-such-user/x", "", "x/\0", "-s0"],
    ids=ascii,
)
def test_a_word_that_means_no_finished_run_is_refused(found, word):
    with pytest.raises(SuiteError, match="there is no finished run") as refused:
        found("mlp-s0", word)

    assert refused.value.code == 2
    assert len(str(refused.value).splitlines()) == 1


def test_runs_of_a_name_whose_texts_alone_differ_are_told_apart_by_when_they_ended(runs, monkeypatch):
    for identity, hour in ((ONE, 9), (OTHER, 17)):
        result = runs / "lenet" / f"{identity}-s0" / "result.json"
        result.parent.mkdir(exist_ok=True)
        result.touch()
        at = datetime(2026, 11, 30, hour, 5).timestamp()
        os.utime(result, (at, at))
    monkeypatch.setattr(Run, "at", lambda _: SimpleNamespace(recipe=lambda: {"overrides": {}}))

    with pytest.raises(SuiteError) as refused:
        one_trained("lenet-s0", runs, RECORD.get)

    first, second = (f"{one}-s0 (lenet, finished 2026-11-30 {at})" for one, at in ((ONE, "09:05"), (OTHER, "17:05")))
    assert f"'lenet-s0' means 2 runs: {first}, {second}." in str(refused.value)


def test_an_unfinished_run_is_none_to_verify(found, runs):
    for word in ("cnn-s0", "c" * 16, f"{runs}/cnn/{'c' * 16}-s0"):
        with pytest.raises(SuiteError, match="there is no finished run"):
            found(word)


def test_a_wrong_name_is_told_the_nearest(found):
    with pytest.raises(SuiteError, match=r"'lennet-s1'; did you mean lenet-s1"):
        found("lennet-s1")


def test_where_nothing_is_finished_that_is_said(tmp_path):
    for word in ("lenet-s0", "all"):
        with pytest.raises(SuiteError, match="no run is finished here"):
            find_runs([word], tmp_path, RECORD.get)


def test_a_runs_name_is_read_off_its_folder():
    assert name_of(Path(f"/x/lenet_avgpool/{ONE}-s12")) == "lenet_avgpool-s12"


def test_a_verdict_is_one_line():
    refused = Verdict(Path(f"/x/mlp/{ONE}-s0"), "refused", reason="its file is gone.", code=2)

    assert refused.line() == f"mlp-s0 ({ONE[:12]}): refused: its file is gone."
    assert refused.facts()["difference"] is None
