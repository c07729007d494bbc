"""The package as Python sees it: every verb is a call, results come back, and nothing ends the process."""

import subprocess
import sys

import pytest

import suite
from suite.api import benching
from suite.benching import probe
from suite.benching.sides import Side
from suite.cli import verbs
from suite.engine import exact
from tests.conftest import ROOT, SLOW

HEAVY = ("torch", "numpy", "scipy", "pandas", "mlflow", "optuna", "matplotlib", "rich", "multiprocessing")
QUICK = SLOW.replace("time.sleep(0.01)", "pass").replace("epochs=6", "epochs=1")


@pytest.fixture
def session(tmp_path, home):  # noqa: ARG001  it works there
    """A silent session on an empty home, which knows `quick` beside the suite's own experiments."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "quick.py").write_text(QUICK)
    (own / "worse.py").write_text(QUICK.replace("lr=0.1", "lr=0.0001"))
    return suite.Session.open(experiments=[own])


def test_the_package_alone_loads_nothing_heavy():
    program = f"import sys, suite; print(*sorted(set(sys.modules) & {set(HEAVY)!r})); dir(suite)"

    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == ""


def test_every_verb_is_a_call():
    names = {*verbs.__all__} - {"list_experiments", "data", "completion"}  # `experiments`, `datasets`, a shell's

    assert names | {"experiments", "datasets"} <= set(suite.__all__)
    assert all(callable(getattr(suite, name)) for name in suite.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'suite' has no attribute 'fly'"):
        suite.fly  # noqa: B018


@pytest.mark.slow
def test_a_mistake_is_raised_and_shown_to_nobody(session, capfd):
    with pytest.raises(suite.SuiteError, match="did you mean quick"):
        suite.run("quik", session=session)
    with pytest.raises(suite.SuiteError, match="lr must be a finite number"):
        suite.run("quick", lr=float("nan"), session=session)

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tuned": True}, "how many trials"),
        ({"trials": 3}, "trials: is of tuned=True"),
        ({"tuned": True, "trials": 3, "margin": 0.01}, "margin and tuned"),
        ({"tuned": True, "trials": 3, "sampler": "grid"}, "sampler must be tpe or random"),
        ({"tuned": True, "trials": 0}, "trials must be a whole number from 1 on"),
        ({"tuned": True, "trials": 3, "seeds": 2}, "seeds must be a whole number from 3 on"),
    ],
)
def test_compare_refuses_what_is_of_the_other_comparison(session, given, said):
    with pytest.raises(suite.SuiteError, match=said):
        suite.compare("quick", "worse", session=session, **given)


@pytest.mark.parametrize("line", ["torch.set_default_dtype(torch.float64)", "torch.set_default_device('meta')"])
def test_a_network_is_shown_as_it_is_after_another_file_was_loaded(session, line):
    import torch

    (session.folders[0] / "stranger.py").write_text(f"import torch\n{line}\n{QUICK}")
    session = suite.Session.open(experiments=session.folders)
    expected = suite.show("quick", session=session)
    try:
        suite.experiments(session=session)
        found = suite.show("quick", session=session)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)

    assert found == expected


@pytest.mark.mlflow
@pytest.mark.commands
def test_runs_are_trained_once_recorded_verified_compared_and_reported(session, capfd):
    first = suite.run("quick", "worse", seeds=3, session=session)
    again = suite.run("quick", "worse", seeds=range(3), report=False, session=session)
    verdicts = suite.verify("quick-s0", session=session)
    compared = suite.compare("quick", "worse", session=session)
    written = suite.report("quick", session=session)

    assert (first.code, again.code) == (0, 0)
    assert [item.skipped for item in again.planned] == [True] * 6
    assert [run["weights_sha256"] for run in again.facts()] == [run["weights_sha256"] for run in first.facts()]
    assert all(run["mlflow_run_id"] for run in first.facts())
    assert first.page == session.home.reports / "report.html"
    assert [one.status for one in verdicts] == ["identical"]
    assert [one.verdict for one in compared.comparisons] == ["better"]
    assert list(written.runs["experiment"].unique()) == ["quick"]
    assert suite.sync(session=session).runs == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_device_that_is_not_here_is_one_finding_of_doctor(session, monkeypatch):
    monkeypatch.setenv("SUITE_DEVICE", "cuda:99")

    findings = {one.what: one for one in suite.doctor(session)}

    assert "SUITE_DEVICE: torch" in findings["numeric class"].found
    assert findings["numeric class"].code == 3
    assert "mlflow store" in findings, "the examination goes on"


@pytest.mark.parametrize("answer", ["torch computes with DEFAULT here.", None])
def test_a_numeric_class_that_there_is_not_is_no_ok(session, answer):
    class Executor:
        def run(self, _work, jobs):
            return iter([(index, answer) for index in range(len(jobs))])

    session.executor = Executor()

    found = [one for one in suite.doctor(session) if one.what in ("numeric class", "with --portable")]

    assert [one.row()[0] for one in found] == ["note", "note"]
    assert [answer or "the process ended without a word"] * 2 == [one.found for one in found]


def test_bench_measures_a_file_whose_recipe_is_portable_as_portable(session, monkeypatch, tmp_path):
    def asked():
        raise suite.SuiteError("portable arithmetic was asked for")

    (session.folders[0] / "mine.py").write_text(QUICK.replace("epochs=1", "epochs=1, portable=True"))
    opened = suite.Session.open(experiments=session.folders)
    monkeypatch.setattr(opened, "data", lambda _name: tmp_path)
    monkeypatch.setattr(exact, "make_portable", asked)
    [job] = benching._workloads(opened, opened.chosen(["mine"])).values()

    with pytest.raises(suite.SuiteError, match="was asked for"):
        probe.main(job.words(Side("now", "suite")))
