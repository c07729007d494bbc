"""The documents that `--json` prints: each has a name, a version and a schema, and is as that schema says."""

import argparse
import json
import re
from copy import deepcopy
from dataclasses import replace
from math import nan

import jsonschema
import pytest

from suite.analysis.ratios import Ratio
from suite.api import benching, estimating, training
from suite.api.estimating import Cost, Estimate
from suite.benching.session import ROUNDS, Seen
from suite.benching.speed_gate import Baseline, Gated
from suite.benching.throughput import AGAIN, BARE, CORES, EVALUATION, SINGLE, SUITE, Throughput
from suite.cli import parser
from suite.cli.terminal import Terminal
from tests.cli.test_gate import MLP, REFERENCES, Trained, accuracies, gated
from tests.conftest import ROOT
from tests.documents import FOLDER, valid

PRINTED = {
    name: path
    for path in (ROOT / "suite").rglob("*.py")
    for name in re.findall(r"terminal\.json\(\s*(.*?),", path.read_text(encoding="utf-8"))
}
ELSEWHERE = {  # a test of the default run that gives the real command, and whose answer is held against the schema
    "check": "cli/test_check.py", "compare": "cli/test_comparing.py", "data": "cli/test_data.py",
    "doctor": "cli/test_parser.py", "export": "cli/test_export.py", "gallery": "cli/test_gallery.py",
    "list": "cli/test_parser.py", "new": "cli/test_new.py", "plan": "cli/test_comparing.py",
    "predict": "cli/test_predict.py", "publish": "cli/test_export.py", "report": "cli/test_run.py",
    "run": "cli/test_run.py", "show": "cli/test_parser.py", "sync": "cli/test_run.py",
    "tries": "cli/test_try.py", "try": "cli/test_try.py", "tune": "cli/test_tune.py", "verify": "cli/test_verify.py",
}  # fmt: skip
RATIO = Ratio(1.2, 0.01, ROUNDS, 10)
HERE = {
    "bench": ("bench", "mlp"), "speed": ("bench", "mlp", "--against", "HEAD"), "baseline": ("bench", "mlp", "--update"),
    "estimate": ("run", "mlp", "--dry"), "gate": ("gate", "mlp"), "reference": ("gate", "mlp", "--update"),
}  # fmt: skip


def measured(title="mlp"):
    """Speeds as a session gives them."""
    seen = Seen({"suite": "1", "torch": "2"}, [[0.001, 0.0011]] * ROUNDS, [1.0] * ROUNDS, [0.001] * 9, 500.0)
    return Throughput(title, dict.fromkeys((SUITE, AGAIN, BARE, CORES, EVALUATION, SINGLE), seen))


@pytest.fixture
def without_work(monkeypatch):
    """Training and measuring give what was made up before; one of the gate's runs has diverged."""
    judged = gated([MLP], Trained(mlp=(0.9, nan, 0.9)))
    speed = Gated("mlp", "PASS", 1.2, RATIO.interval, RATIO, 1.5, {})
    monkeypatch.setattr(benching, "measure", lambda *_, **__: [measured()])
    monkeypatch.setattr(benching, "against", lambda *_, **__: [speed])
    monkeypatch.setattr(benching, "keep", lambda *_: None)
    ratio = {"mlp": Baseline(RATIO, "a processor", "2", "0" * 64)}
    monkeypatch.setattr(benching, "update_baseline", lambda *_, **__: ("speed.json", ratio))
    cost = Estimate([Cost("mlp", 3, 0, 2.5, 512.0, "a trial")], 2)
    monkeypatch.setattr(estimating, "estimate", lambda *_, **__: cost)
    monkeypatch.setattr(training, "gate", lambda *_, **__: judged)
    written = {"mlp": replace(REFERENCES["mlp"], accuracies=accuracies(3))}
    monkeypatch.setattr(training, "update_reference", lambda *_, **__: ("reference.json", written, None))


def test_every_document_has_a_schema_and_every_schema_a_document():
    assert {name.strip('"') for name in PRINTED} == {f"suite/{path.stem}/1" for path in FOLDER.iterdir()}


def test_every_document_is_in_the_table_of_the_page():
    page = (ROOT / "docs/json.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `.*?\| `suite/(\w+)/1` \|", page, re.MULTILINE)) == {
        path.stem for path in FOLDER.iterdir()
    }


def test_every_verb_with_json_is_held_against_a_schema():
    [verbs] = [one for one in parser.parser_of()._actions if isinstance(one, argparse._SubParsersAction)]
    with_json = {name for name, one in verbs.choices.items() if "--json" in one._option_string_actions}

    assert with_json == {*ELSEWHERE} | {words[0] for words in HERE.values()}
    assert {*ELSEWHERE} | {*HERE} == {path.stem for path in FOLDER.iterdir()}
    for name, file in ELSEWHERE.items():
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf'"{name}"[^\n]*"--json"|WORDS, "--json"|again = \("run"', text), (name, file)
        assert re.search(r"\.json\b(?!\")|valid\(", text), (name, file)


@pytest.mark.usefixtures("without_work")
@pytest.mark.parametrize(("name", "words"), HERE.items())
def test_a_document_is_as_its_schema_says(in_process, name, words):
    assert in_process(*words, "--json").json["schema"] == f"suite/{name}/1"


@pytest.mark.usefixtures("without_work")
@pytest.mark.parametrize("words", HERE.values())
def test_a_field_that_is_missing_or_new_is_noticed(in_process, words):
    whole = in_process(*words, "--json").json

    for place in places(whole):
        for change in (lambda one, key: one.pop(key), lambda one, key: one.update({f"{key}s": one.pop(key)})):
            other = deepcopy(whole)
            inside, key = other, place[-1]
            for step in place[:-1]:
                inside = inside[step]
            change(inside, key)
            with pytest.raises((jsonschema.ValidationError, KeyError)):
                valid(json.dumps(other))


OPEN = {"experiments", "times_as_fast_as", "recipe", "environment"}  # their fields are names that we do not choose


def places(value, at=()):
    """The way to each field of a document whose name is ours."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from places(one, (*at, number))
    if isinstance(value, dict):
        for key, one in value.items():
            if not {*at[-1:]} & OPEN:
                yield (*at, key)
            yield from places(one, (*at, key))


def test_what_json_cannot_say_is_null_and_numbers_of_numpy_are_numbers(capsys):
    import numpy as np

    Terminal(as_json=True).json("suite/any/1", {"a": nan, "b": [np.bool_(False), np.float32(0.5)], "c": FOLDER})

    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert document == {"schema": "suite/any/1", "a": None, "b": [False, 0.5], "c": str(FOLDER)}
