"""Experiments whose data set cannot be fetched are named and skipped: all others are done, and the exit code is 3."""

from dataclasses import replace
from pathlib import Path

import pytest

from suite.api.session import Session
from suite.data.catalog import CATALOG
from suite.data.contents import Unavailable
from suite.data.sources.order import SOURCES
from suite.errors import MACHINE, SuiteError
from tests.conftest import Command, Workspace, assert_refused

pytestmark = pytest.mark.commands

TEXT = '''"""One layer."""

from suite.recipe import Recipe

recipe = Recipe(data="{data}", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=1)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''
FAR = "far: skipped. Far away: no source has it (its mirror: no answer)."


@pytest.fixture(autouse=True)
def _no_network(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """`near` trains on the digits; the data set of `far` is one that nobody answers for."""

    def away(*_: object) -> None:
        raise Unavailable("no answer")

    digits = CATALOG["digits"]
    sums = dict.fromkeys(digits.sha256, "0" * 64)
    monkeypatch.setitem(CATALOG, "far-away", replace(digits, name="far-away", title="Far away", sha256=sums))
    monkeypatch.setitem(SOURCES, "far-away", (("its mirror", away),))
    own = Path(workspace.extra["SUITE_EXPERIMENTS"])
    for name, data in (("near", "digits"), ("far", "far-away")):
        (own / f"{name}.py").write_text(TEXT.format(data=data))


def test_run_trains_the_others_and_reports_them(in_process: Command, workspace: Workspace) -> None:
    answer = in_process("run", "near", "far", "--seeds", "1")

    assert answer.code == 3, answer
    assert FAR in answer.err
    assert "python -m suite data fetch far-away" in answer.err
    assert [name.split("/")[0] for name in workspace.results()] == ["near"]
    assert (workspace.home / "reports" / "report.html").exists()
    assert "far-s0   no data" in answer.out

    again = in_process("run", "near", "far", "--seeds", "1", "--no-report")

    assert again.code == 3, again
    assert "1 finished before and skipped" in again.out


def test_a_session_names_each_experiment_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_HOME", str(workspace.home))
    warned: list[str] = []
    own = Path(workspace.extra["SUITE_EXPERIMENTS"])
    (own / "further.py").write_text(TEXT.format(data="far-away"))
    session = Session.open(experiments=[own])
    monkeypatch.setattr(session.screen, "warn", warned.append)

    for names in (["near", "far"], ["near", "far"], ["near", "far", "further"]):
        assert [one.name for one in session.with_data(session.chosen(names))] == ["near"]

    skipped = [line.partition(".")[0] for line in warned if "skipped" in line]
    assert skipped == ["far: skipped", "further: skipped"]
    assert session.code == MACHINE


def test_an_experiment_alone_without_data_is_refused(in_process: Command) -> None:
    for words in (("run", "far"), ("tune", "far"), ("bench", "far"), ("gate", "far", "--update")):
        answer = in_process(*words)

        *tried, refusal = answer.err.splitlines()
        assert (answer.code, answer.out, tried) == (3, "", ["suite: Far away: its mirror: no answer"] * len(tried))
        assert refusal.startswith(
            "suite: Far away: no source has it (its mirror: no answer). With a network, python -m"
        )


@pytest.mark.promise
@pytest.mark.full
def test_gate_measures_and_judges_the_others(in_process: Command, workspace: Workspace) -> None:
    reference = str(workspace.home / "reference.json")
    measured = in_process("gate", "near", "far", "--update", "--seeds", "3", "--reference", reference)

    assert measured.code == 3, measured
    assert FAR in measured.err

    judged = in_process("gate", "all", "--reference", reference, "--margin", "0.5")

    assert judged.code == 0, judged
    assert "far" in next(line for line in judged.err.splitlines() if "not judged, because" in line)
    assert "near: PASS" in judged.out


def test_verify_refuses_the_run_whose_data_are_gone(in_process: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_process("run", "near", "--seeds", "1", "--no-report").code == 0

    def gone(_: Session, name: str) -> Path:
        raise SuiteError(f"{name}: no source has it.", code=MACHINE)

    monkeypatch.setattr(Session, "data", gone)
    answer = in_process("verify", "near-s0")

    assert answer.code == 3, answer
    assert "digits: no source has it." in answer.out + answer.err


@pytest.mark.promise
@pytest.mark.full
def test_a_damaged_file_is_refused_though_another_set_is_away(
    in_process: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_process("run", "near", "--seeds", "1", "--no-report").code == 0

    def either(_: Session, name: str) -> Path:
        if name == "digits":
            raise SuiteError("digits: no source has it.", code=MACHINE)
        raise SuiteError(f"{name}: a file is damaged.")

    monkeypatch.setattr(Session, "data", either)
    answer = in_process("run", "near", "far", "--seeds", "2", "--no-report")

    assert_refused(answer, 2, "far-away: a file is damaged.")
