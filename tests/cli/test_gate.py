"""The accuracy gate without a training: what it trains, when it stops, what it says, and what it reads and writes."""

import json
import random
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from suite.analysis.intervals import FEWEST
from suite.disk import references as committed
from suite.errors import FAILED, INCONCLUSIVE, SuiteError
from suite.recipe.registry import load
from suite.runs.accuracy_gate import COMMITTED, FRESH, Reference, gate, measured, read_references, write_references
from suite.runs.plan import plan

EXPERIMENTS = load().experiments
MLP, CNN = EXPERIMENTS["mlp"], EXPERIMENTS["cnn"]
ENVIRONMENT = {
    "suite": "1",
    "torch": "2.9",
    "cpu": "A processor",
    "cpu_capability": "AVX2",
    "cores": 2,
    "way": "kernels",
}


def accuracies(n, mean=0.9, spread=0.002, seed=0):
    draw = random.Random(f"{mean}/{spread}/{seed}")
    return tuple(draw.gauss(mean, spread) for _ in range(n))


def reference_of(experiment, values):
    recipe = json.loads(json.dumps(experiment.recipe.protocol()))
    return Reference(values, recipe, experiment.trained_text, {"torch": "2.9"})


class Trained:
    """Stands for training: a run's accuracy by experiment and seed, nan for one that diverges."""

    def __init__(self, **of):
        self.of, self.calls = of, []

    def __call__(self, planned):
        self.calls.append([item.run.name for item in planned])
        for item in planned:
            value = self.of[item.experiment.name][item.run.seed - FRESH]
            item.status = "finished" if value == value else "diverged"
            item.result = {"status": item.status, "metrics": {"test/accuracy": value}, "environment": ENVIRONMENT}


REFERENCES = {name: reference_of(EXPERIMENTS[name], accuracies(10)) for name in EXPERIMENTS}


def gated(experiments, train, most=12, margin=0.01, references=REFERENCES):
    return list(gate(experiments, references, train, margin=margin, most=most))


# --- verdicts -----------------------------------------------------------------------------------------------------


def test_what_is_as_good_passes_with_three_seeds():
    train = Trained(mlp=accuracies(12, seed=1))

    [found] = gated([MLP], train, margin=0.03)

    assert (found.judged.verdict, len(found.fresh), found.changed) == ("PASS", 3, ())
    assert train.calls == [["mlp-s1000", "mlp-s1001", "mlp-s1002"]]


@pytest.mark.parametrize(("spread", "margin"), [(0.001, 0.01), (0.01, 0.02)])
def test_the_margin_is_as_wide_as_the_seeds_ask_for(spread, margin):
    values = (0.9 - spread, 0.9, 0.9 + spread)  # their standard deviation is the spread

    [found] = gated([MLP], Trained(mlp=(0.9,) * 12), margin=None, references={"mlp": reference_of(MLP, values)})

    assert found.judged.margin == pytest.approx(margin)


def test_what_is_worse_fails():
    [found] = gated([MLP], Trained(mlp=accuracies(12, mean=0.85)))

    assert (found.judged.verdict, len(found.fresh)) == ("FAIL", 3)
    assert found.judged.drop == pytest.approx(0.05, abs=0.005)
    assert found.judged.words.startswith("FAIL: accuracy dropped. The drop is +0.0")


def test_what_is_unclear_is_looked_at_with_more_seeds_and_may_stay_so():
    noisy = {"mlp": reference_of(MLP, accuracies(10, spread=0.03))}
    train = Trained(mlp=accuracies(12, mean=0.895, spread=0.03))

    [found] = gated([MLP], train, references=noisy)

    assert (found.judged.verdict, len(found.fresh)) == ("INCONCLUSIVE", 12)
    assert [len(call) for call in train.calls] == [3, 5, 8, 12]


def test_one_that_is_decided_is_not_trained_again():
    noisy = {**REFERENCES, "cnn": reference_of(CNN, accuracies(10, spread=0.03))}
    train = Trained(mlp=accuracies(12), cnn=accuracies(12, mean=0.895, spread=0.03))

    found = gated([MLP, CNN], train, references=noisy, most=5)

    assert [one.title for one in found] == ["mlp", "cnn"]
    assert [{name.partition("-")[0] for name in call} for call in train.calls] == [{"mlp", "cnn"}, {"cnn"}]


def test_a_run_without_an_accuracy_fails_and_says_why():
    [found] = gated([MLP], Trained(mlp=(0.9, nan, 0.9)))

    assert found.judged.verdict == "FAIL"
    assert found.reason == "diverged"


def test_what_the_recipe_has_otherwise_is_named():
    changed = replace(MLP, recipe=MLP.recipe.changed({"lr": 0.5, "epochs": 1}), network_text="another")

    [found] = gated([changed], Trained(mlp=accuracies(12)))

    assert found.changed == ("epochs", "lr", "network")


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [(["PASS"], 0), (["PASS", "INCONCLUSIVE"], INCONCLUSIVE), (["INCONCLUSIVE", "FAIL", "PASS"], FAILED)],
)
def test_a_failure_counts_before_a_doubt(verdicts, code):
    assert committed.exit_code(verdicts) == code


def test_facts_are_json():
    found = gated([MLP], Trained(mlp=accuracies(3)))

    facts = json.loads(json.dumps(found[0].facts()))
    assert (facts["experiment"], facts["verdict"], len(facts["fresh"]), len(facts["reference"])) == (
        "mlp",
        "PASS",
        3,
        10,
    )


# --- the reference ------------------------------------------------------------------------------------------------


def test_a_reference_comes_back_as_it_was_written_and_leaves_the_others(tmp_path):
    path = tmp_path / "reference.json"
    write_references(path, {"mlp": REFERENCES["mlp"]})
    write_references(path, {"cnn": REFERENCES["cnn"]})

    assert read_references(path, [MLP, CNN]) == {"mlp": REFERENCES["mlp"], "cnn": REFERENCES["cnn"]}


def test_an_overridden_recipe_has_a_reference_of_its_own(tmp_path):
    path = tmp_path / "reference.json"
    write_references(path, {"mlp": REFERENCES["mlp"]})

    with pytest.raises(SuiteError, match=r"no reference of mlp epochs=1 lr=0\.5; it has mlp\..*--update"):
        read_references(path, [MLP.changed({"lr": 0.5, "epochs": 1})])


def test_runs_make_a_reference(tmp_path):
    planned = plan([MLP, CNN], range(FRESH, FRESH + 3), tmp_path)
    Trained(mlp=(0.7, 0.8, 0.9), cnn=(0.4, 0.5, 0.6))(planned)

    found = measured(planned)

    assert {name: one.accuracies for name, one in found.items()} == {"mlp": (0.7, 0.8, 0.9), "cnn": (0.4, 0.5, 0.6)}
    assert found["mlp"].environment == {key: value for key, value in ENVIRONMENT.items() if key != "cores"}


def test_a_run_that_diverged_makes_no_reference(tmp_path):
    planned = plan([MLP], range(FRESH, FRESH + 3), tmp_path)
    Trained(mlp=(0.7, nan, 0.9))(planned)

    with pytest.raises(SuiteError, match="mlp-s1001: diverged: no reference is written") as refused:
        measured(planned)
    assert refused.value.code == FAILED


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{", '{"mlp": 3}', '{"mlp": {}}', '{"mlp": {"accuracies": [0.9, 0.9]}}',
     '{"mlp": {"accuracies": [0.9, 0.9, 2], "recipe": {}, "network": "", "environment": {}}}',
     '{"mlp": {"accuracies": [0.9, 0.9, NaN], "recipe": {}, "network": "", "environment": {}}}',
     '{"mlp": {"accuracies": "abc", "recipe": {}, "network": "", "environment": {}}}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_reference_is_refused_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "reference.json"
    path.write_text(text)

    for attempt in (lambda: read_references(path, [MLP]), lambda: write_references(path, {"cnn": REFERENCES["cnn"]})):
        with pytest.raises(SuiteError, match=f"{path} is not a reference of the gate") as refused:
            attempt()
        assert refused.value.code == 2
        assert "\n" not in str(refused.value)
    assert path.read_text() == text


def test_a_missing_reference_is_named():
    with pytest.raises(SuiteError, match=r"reference.json: there is no such reference. .*--update"):
        read_references(Path("/nowhere/reference.json"), [MLP])


def test_the_committed_reference_is_of_todays_recipes():
    references = read_references(COMMITTED, list(EXPERIMENTS.values()))

    for name, experiment in EXPERIMENTS.items():
        assert references[name].recipe == json.loads(json.dumps(experiment.recipe.protocol())), name
        assert references[name].network == experiment.trained_text, name
        assert len(references[name].accuracies) >= FEWEST
