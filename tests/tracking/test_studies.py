"""Studies in MLflow: one parent, and one child for each ended trial, even if they are sent several times."""

import math

import pytest

from suite.tracking.store import open_store, search
from suite.tracking.studies import EXPERIMENT, read_studies, send_study
from tests.studies import STATES, document

pytestmark = pytest.mark.mlflow


def runs_of(store, kind, name):
    experiment = store.client.get_experiment_by_name(EXPERIMENT).experiment_id
    found = search(store, f"tags.`suite.kind` = '{kind}'", experiment)
    return [run for run in found if run.info.run_name.startswith(name)]


def children_of(store, name):
    children = runs_of(store, "trial", f"{name}-t")
    return sorted(children, key=lambda run: int(run.data.tags["suite.trial"]))


def test_each_trial_is_a_child_with_its_values_and_its_state(store):
    facts = document(study="children")

    assert send_study(store, facts, "A note.")

    [parent] = runs_of(store, "study", "children")
    children = children_of(store, "children")
    ends = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
    assert [run.info.status for run in children] == [ends[state] for state in STATES]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    for run, trial in zip(children, facts["trials"], strict=True):
        assert float(run.data.params["lr"]) == trial["values"]["lr"]
        assert float(run.data.params["log10_lr"]) == pytest.approx(math.log10(trial["values"]["lr"]), abs=1e-6)
        assert run.data.params["batch_size"] == str(trial["values"]["batch_size"])
        assert run.data.metrics["perf/train_seconds"] == trial["seconds"]
        assert run.data.metrics.get("accuracy") == pytest.approx((trial["accuracies"] or [None])[0])
    assert "diverged in epoch 1" in children[3].data.tags["suite.reason"]


def test_the_parent_says_what_came_of_it(store):
    facts = document(study="parent")

    send_study(store, facts, "A note.")

    [parent] = runs_of(store, "study", "parent")
    assert parent.info.status == "FINISHED"
    assert parent.data.params["space.lr"] == "1e-4..1e-1"
    assert parent.data.metrics["winner/search"] == 0.77
    assert parent.data.metrics["winner/drop"] == pytest.approx(0.02)
    assert parent.data.metrics["importance/lr"] == 0.9
    assert parent.data.tags["mlflow.note.content"] == "A note."


def test_sent_again_it_is_there_once(store):
    facts = document(study="again")
    send_study(store, facts, "A note.")
    before = [run.to_dictionary() for run in [*runs_of(store, "study", "again"), *children_of(store, "again")]]

    assert not send_study(store, facts, "A note.")

    assert [run.to_dictionary() for run in [*runs_of(store, "study", "again"), *children_of(store, "again")]] == before


def test_a_study_that_goes_on_gets_what_is_new(store):
    whole = document(study="growing")
    begun = [{**trial, "state": "RUNNING"} if trial["number"] > 3 else trial for trial in whole["trials"]]
    send_study(store, {**whole, "trials": begun, "outcome": None, "test": None}, "Begun.", running=True)
    assert [len(children_of(store, "growing")), runs_of(store, "study", "growing")[0].info.status] == [4, "RUNNING"]

    send_study(store, whole, "Ended.")

    [parent] = runs_of(store, "study", "growing")
    assert [run.data.tags["suite.trial"] for run in children_of(store, "growing")] == [str(n) for n in range(8)]
    assert (parent.info.status, parent.data.tags["mlflow.note.content"]) == ("FINISHED", "Ended.")
    assert parent.data.metrics["winner/fresh"] == pytest.approx(0.75)


def test_a_child_that_a_crash_left_half_made_is_completed(store, monkeypatch):
    facts = document(study="crashed")
    real, calls = store.client.log_batch, []

    def dies(*words, **named):
        calls.append(named)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(*words, **named)

    monkeypatch.setattr(store.client, "log_batch", dies)
    with pytest.raises(KeyboardInterrupt):
        send_study(store, facts, "A note.")
    monkeypatch.undo()

    send_study(store, facts, "A note.")

    children = children_of(store, "crashed")
    assert [run.data.tags["suite.trial"] for run in children] == [str(n) for n in range(8)]
    assert all(run.data.tags["suite.complete"] == "true" for run in children)
    for run in children:
        for key in run.data.metrics:
            assert len(store.client.get_metric_history(run.info.run_id, key)) == 1, key


def test_two_studies_of_one_name_and_other_rules_are_two(store):
    send_study(store, document(study="twin"), "A note.")
    rules = {**document()["rules"], "study_seed": 1}

    send_study(store, document(study="twin", rules=rules), "A note.")

    assert len(runs_of(store, "study", "twin")) == 2


def test_what_was_sent_is_read_back(store, tmp_path):
    facts = document(study="read")
    send_study(store, facts, "A note.")

    found = {one["study"]: one for one in read_studies(store, tmp_path)}

    assert {key: found["read"][key] for key in facts} == facts


@pytest.mark.parametrize("text", ["", "[]", '{"study": "x"}', "not JSON"])
def test_a_document_that_is_not_ours_is_named_damaged(home, tmp_path, text):
    store = open_store(home)
    facts = document(study="strange")
    send_study(store, facts, "A note.")
    run = runs_of(store, "study", "strange")[0]
    (tmp_path / "study.json").write_text(text)
    store.client.log_artifact(run.info.run_id, str(tmp_path / "study.json"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    [found] = [one for one in read_studies(store, scratch) if one["study"] == "strange"]

    assert found == {"study": "strange", "damaged": run.info.run_id}
    store.client.delete_run(run.info.run_id)


def test_studies_are_kept_apart_from_runs(store):
    send_study(store, document(study="apart"), "A note.")

    assert search(store, "tags.`suite.kind` = 'trial'") == []
    location = store.client.get_experiment_by_name(EXPERIMENT).artifact_location
    assert location == store.client.get_experiment(store.experiment_id).artifact_location
