"""The speed gate's verdicts, on sessions made up for the purpose, and its committed baselines."""

import json
from dataclasses import replace
from math import exp

import numpy as np
import pytest

from suite.analysis.ratios import Ratio
from suite.benching import speed_gate as gate
from suite.benching.session import FEWEST_CYCLES, ROUNDS, Seen
from suite.benching.sides import Side, Workload
from suite.benching.speed_gate import AGAIN, BARE, NOW, Baseline
from suite.engine.exact import machine
from suite.errors import SuiteError

OTHER = Side("before", "suite")
FACTS = {"identity": "same", "suite": "1", "torch": "2"}
BASELINE = Baseline(Ratio(0.8, 0.005, ROUNDS, 10), machine()["cpu"], "2", "same")


def judged(monkeypatch, tmp_path, *, other=1.0, again=1.0, noise=0.0, baseline=None, identity="same"):
    """The verdict where one step takes 1, the `other` side's and the suite's second time as given."""
    chance = np.random.default_rng(5)

    def seen(seconds, facts):
        rows = np.exp(chance.normal(0, noise, (ROUNDS, 1))) * np.full((ROUNDS, FEWEST_CYCLES), seconds)
        return Seen(facts, rows.tolist())

    def measure(_job, sides, _seconds, _tell):
        assert [side.name for side in sides] == [NOW, BARE.name if baseline else OTHER.name, AGAIN]
        others = seen(other, {**FACTS, "identity": identity})
        return {NOW: seen(1.0, FACTS), sides[1].name: others, AGAIN: seen(again, FACTS)}

    monkeypatch.setattr(gate, "measure", measure)
    words = {"seconds": 1.0, "limit": 1.05, "tell": print}
    job = Workload("mlp", tmp_path)
    return gate.check("mlp", job, baseline, **words) if baseline else gate.against("mlp", job, OTHER, **words)


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ({"other": 1.0}, "PASS"),
        ({"other": 1.2}, "PASS"),
        ({"other": 1 / 1.04}, "PASS"),
        ({"other": 1 / 1.06}, "FAIL"),
        ({"other": 1 / 1.3, "noise": 0.2}, "INCONCLUSIVE"),
        ({"other": 1 / 1.3, "again": 1.3}, "INCONCLUSIVE"),
        ({"other": 1 / 1.3, "again": 1 / 1.3}, "INCONCLUSIVE"),
    ],
)
def test_a_loss_fails_where_it_is_surer_than_the_noise(monkeypatch, tmp_path, words, verdict):
    found = judged(monkeypatch, tmp_path, **words)

    assert found.verdict == verdict
    assert found.remark == ""


def test_another_recipe_on_the_other_side_is_remarked(monkeypatch, tmp_path):
    found = judged(monkeypatch, tmp_path, identity="another")

    assert "other side has a different recipe" in found.remark


@pytest.mark.parametrize(("other", "verdict"), [(1 / 0.8, "PASS"), (1 / 0.9, "FAIL"), (1 / 0.7, "PASS")])
def test_the_ratio_to_the_bare_loop_is_judged_by_the_baselines(monkeypatch, tmp_path, other, verdict):
    found = judged(monkeypatch, tmp_path, other=other, baseline=BASELINE)

    assert (found.verdict, found.value) == (verdict, pytest.approx(1 / other / 0.8))
    assert found.slower.high / found.slower.low > 1.02  # the baseline's own error
    assert found.remark == ""


def test_on_another_processor_a_loss_is_no_failure(monkeypatch, tmp_path):
    found = judged(monkeypatch, tmp_path, other=1 / 0.9, baseline=replace(BASELINE, cpu="another", torch="1"))

    assert found.verdict == "INCONCLUSIVE"
    assert "another processor (another)" in found.remark
    assert "torch 1" in found.remark


def test_facts_are_json(monkeypatch, tmp_path):
    facts = json.loads(json.dumps(judged(monkeypatch, tmp_path, other=0.5, noise=0.01).facts()))

    assert facts["verdict"] == "FAIL"
    assert facts["interval"][0] < facts["slower"] < facts["interval"][1]


def test_baselines_come_back_as_they_were_written_and_others_stay(tmp_path):
    path = tmp_path / "speed.json"
    gate.write_baselines(path, {"mlp": BASELINE, "cnn": replace(BASELINE, torch="3")})
    gate.write_baselines(path, {"mlp": replace(BASELINE, ratio=Ratio(exp(0.1), 0.01, 6, 7))})

    found = gate.read_baselines(path, ["mlp", "cnn"])

    assert found["mlp"].ratio == Ratio(exp(0.1), 0.01, 6, 7)
    assert found["cnn"] == replace(BASELINE, torch="3")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"mlp": 3}', '{"mlp": {"value": 1}}', json.dumps({"mlp": {**BASELINE.facts(), "value": 0}}),
     json.dumps({"mlp": {**BASELINE.facts(), "error": "NaN"}}), json.dumps({"mlp": {**BASELINE.facts(), "rounds": 1}})],
)  # fmt: skip
def test_a_damaged_baseline_is_refused_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "speed.json"
    path.write_text(text)

    with pytest.raises(SuiteError, match=f"{path} is not a baseline of the gate: .*--update") as refused:
        gate.read_baselines(path, ["mlp"])

    assert refused.value.code == 2
    assert path.read_text() == text


def test_a_baseline_that_is_not_there_names_the_remedy(tmp_path):
    gate.write_baselines(tmp_path / "speed.json", {"mlp": BASELINE})

    with pytest.raises(SuiteError, match=r"no baseline of cnn; it has mlp\..*--update"):
        gate.read_baselines(tmp_path / "speed.json", ["cnn"])
    with pytest.raises(SuiteError, match=r"there is no such baseline\..*--update"):
        gate.read_baselines(tmp_path / "none.json", ["cnn"])
