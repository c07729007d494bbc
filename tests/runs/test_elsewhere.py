"""The engine of a cluster before any run: which machines are used, and what is refused in one line."""

import pytest

from suite.api.progress import Silent
from suite.api.session import Session
from suite.errors import SuiteError
from suite.execute import ray_start
from suite.runs.elsewhere import Elsewhere
from suite.runs.there import Answered, versions

HERE = {**versions(), "cpu": "a processor"}


def answer(kernels="aaaa", **other):
    return [Answered({**HERE, **other}, (kernels, "bbbb"))]


@pytest.fixture
def engine():
    said = []
    found = Elsewhere(None, 2, said.append, said.append)
    found.said = said
    return found


def test_machines_of_one_numeric_class_and_these_versions_are_used(engine):
    assert engine._admit({"one": answer(), "two": answer()}) == {}
    assert engine.said == []


def test_a_machine_of_another_numeric_class_than_most_is_left_out_and_named_once(engine):
    answers = {"one": answer("cccc"), "two": answer(), "three": answer()}

    assert engine._admit(answers).keys() == {"one"}
    assert engine._admit(answers).keys() == {"one"}
    assert engine.said == ["one is not used: its numeric class is cccc for kernels, bbbb for torch."]


def test_the_class_that_was_chosen_stays_when_other_machines_join(engine):
    engine._admit({"one": answer()})

    assert engine._admit({"one": answer(), "two": answer("cccc"), "three": answer("cccc")}).keys() == {"two", "three"}


@pytest.mark.parametrize("name", ["suite", "engine", "torch", "python"])
def test_a_machine_with_another_version_is_left_out(name, engine):
    refused = engine._admit({"one": answer(), "two": answer(**{name: "0.0"})})

    assert refused["two"].startswith(f"its {name} is 0.0, here it is ")


@pytest.mark.parametrize("told", ["no answer in 300 s", []])
def test_a_machine_that_says_nothing_of_itself_is_left_out(told, engine):
    assert engine._admit({"one": answer(), "two": told}).keys() == {"two"}


@pytest.mark.parametrize("cpus", [["a", "a"], ["a", "b"]])
def test_times_are_not_compared_between_two_kinds_of_machines(cpus, engine, monkeypatch):
    monkeypatch.setattr(engine, "warm_up", lambda: None)
    answers = {str(number): answer(cpu=cpu) for number, cpu in enumerate(cpus)}
    monkeypatch.setattr(engine.machines, "answers", lambda: answers)

    if len({*cpus}) == 1:
        engine.require_one_kind("--budget seconds")
    else:
        with pytest.raises(SuiteError, match=r"--budget seconds: .*2 kinds of machines \(a, b\)"):
            engine.require_one_kind("--budget seconds")


def test_without_ray_one_line_names_the_extra(engine, monkeypatch):
    monkeypatch.setattr(ray_start.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(SuiteError, match=r'Ray is not installed. Install it: python -m pip install "suite\[cluster\]"'):
        engine.warm_up()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"address": "10.0.0.1:6379"}, "--engine ray"),
        ({"engine": "dask"}, "local, ray or slurm"),
        ({"slurm_options": ["time=1"]}, "--engine slurm"),
    ],
)
def test_what_the_options_cannot_mean_is_refused(asked, words, tmp_path, monkeypatch):
    monkeypatch.setenv("SUITE_HOME", str(tmp_path))

    with pytest.raises(SuiteError, match=words):
        Session.open(Silent(), **asked)
