"""The speed gate's verdicts, on sessions made up for the purpose, and its committed baselines."""

import json
import re
from dataclasses import replace
from math import exp

import numpy as np
import pytest

from suite.analysis.ratios import Ratio
from suite.benching import speed_gate as gate
from suite.benching.baselines import COMMITTED, Baseline, kind, of_this_kind, read, write
from suite.benching.session import FEWEST_CYCLES, ROUNDS, Seen
from suite.benching.sides import Side, Workload
from suite.benching.speed_gate import AGAIN, BARE, NOW, Question
from suite.errors import SuiteError

OTHER = Side("before", "suite")
FACTS = {"identity": "same", "suite": "1", "torch": "2"}
BASELINE = Baseline(Ratio(0.8, 0.005, ROUNDS, 10), kind(), "2", "same")


def judged(monkeypatch, tmp_path, *, other=1.0, again=1.0, noise=0.0, baseline=None, identity="same", **asked):
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
    job, question = Workload("mlp", tmp_path), Question(1.0, 1.05, **asked)
    if baseline:
        return gate.check("mlp", job, baseline, question, tell=print)
    return gate.against("mlp", job, OTHER, question, tell=print)


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


def test_another_torch_is_remarked(monkeypatch, tmp_path):
    found = judged(monkeypatch, tmp_path, other=1 / 0.9, baseline=replace(BASELINE, torch="1"))

    assert found.remark == "The baseline has torch 1."


def test_a_check_of_many_needs_a_clearer_loss_to_fail_and_no_clearer_one_to_pass(monkeypatch, tmp_path):
    alone, of_many = (judged(monkeypatch, tmp_path, other=1 / 1.2, noise=0.05, among=among) for among in (1, 11))

    assert (alone.verdict, of_many.verdict) == ("FAIL", "INCONCLUSIVE")
    assert of_many.slower.low < alone.slower.low
    assert of_many.slower.high == alone.slower.high


@pytest.mark.parametrize(
    ("other", "noise", "shown"),
    [(1.0, 0.001, "equivalent"), (1 / 1.1, 0.001, "worse"), (1.1, 0.001, "better"), (1.0, 0.2, "bounded"),
     (1 / 1.02, 0.001, "equivalent"), (1 / 1.1, 0.08, "undecided")],
)  # fmt: skip
def test_a_margin_asks_whether_both_are_equivalent(monkeypatch, tmp_path, other, noise, shown):
    found = judged(monkeypatch, tmp_path, other=other, noise=noise, margin=0.03)

    assert found.relation.shown == shown
    assert found.relation.words in found.words
    assert found.facts()["relation"]["shown"] == shown
    assert found.facts()["margin"] == 0.03


def test_facts_are_json(monkeypatch, tmp_path):
    facts = json.loads(json.dumps(judged(monkeypatch, tmp_path, other=0.5, noise=0.01).facts()))

    assert facts["verdict"] == "FAIL"
    assert facts["interval"][0] < facts["slower"] < facts["interval"][1]


def test_baselines_come_back_as_they_were_written_and_others_stay(tmp_path):
    path = tmp_path / "speed.json"
    write(path, {"mlp": BASELINE, "cnn": replace(BASELINE, torch="3")})
    write(path, {"mlp": replace(BASELINE, ratio=Ratio(exp(0.1), 0.01, 6, 7))})

    found = of_this_kind(path, ["mlp", "cnn"], every=False)

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
        of_this_kind(path, ["mlp"], every=False)

    assert refused.value.code == 2
    assert path.read_text() == text


def test_a_baseline_that_is_not_there_names_the_remedy(tmp_path):
    write(tmp_path / "speed.json", {"mlp": BASELINE})

    with pytest.raises(SuiteError, match=r"no baseline of cnn; it has mlp\..*--update"):
        of_this_kind(tmp_path / "speed.json", ["cnn"], every=False)
    with pytest.raises(SuiteError, match=r"there is no such baseline\..*--update"):
        of_this_kind(tmp_path / "none.json", ["cnn"], every=False)


def test_each_kind_of_processor_has_a_baseline_and_one_without_is_said_before_anything_is_measured(tmp_path):
    path, other = tmp_path / "speed.json", replace(BASELINE, cpu="Another, AVX2")
    write(path, {"mlp": other, "cnn": BASELINE})

    without = f"no baseline of mlp for this kind of processor, {kind()}; it has Another, AVX2"
    with pytest.raises(SuiteError, match=re.escape(without)) as away:
        of_this_kind(path, ["mlp"], every=False)
    known = of_this_kind(path, ["mlp", "cnn"], every=False)
    write(path, {"mlp": BASELINE})

    assert away.value.code == 4
    assert known == {"cnn": BASELINE}
    assert read(path)["mlp"].known == {kind(): BASELINE, "Another, AVX2": other}
    assert of_this_kind(path, ["mlp"], every=False) == {"mlp": BASELINE, "cnn": BASELINE}


def test_a_file_of_an_older_version_is_read_and_an_update_keeps_what_it_has(tmp_path):
    path, old = tmp_path / "speed.json", replace(BASELINE, cpu="AMD EPYC")
    path.write_text(json.dumps({"mlp": old.facts(), "cnn": old.facts()}))

    write(path, {"mlp": BASELINE})

    assert read(path)["mlp"].known == {"AMD EPYC": old, kind(): BASELINE}
    assert read(path)["cnn"].known == {"AMD EPYC": old}


def test_the_committed_baselines_are_of_a_named_kind():
    assert {cpu for one in read(COMMITTED).values() for cpu in one.known} >= {"AMD EPYC, AVX-512"}
    assert len(read(COMMITTED)) == 11
