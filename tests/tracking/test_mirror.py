"""MLflow has everything that the run folders have, exactly once, and no run is left RUNNING."""

import json
import math
import os

import pytest

from suite.data.catalog import CATALOG
from suite.engine import state
from suite.tracking.fetching import fetch
from suite.tracking.frame import finished_runs
from suite.tracking.mirror import Mirror
from suite.tracking.store import search
from tests.tracking.conftest import Stop

pytestmark = pytest.mark.mlflow


def record_of(store, run_id):
    return store.client.get_run(run_id)


def test_a_finished_run_is_copied_whole(store, trained, send):
    run = trained(epochs=3, holdout=0.2)

    run_id = send(run)

    found, result = record_of(store, run_id), run.result()
    assert found.info.status == "FINISHED"
    assert found.info.run_name == run.name
    for name, value in {**result["metrics"], **result["clock"]}.items():
        assert found.data.metrics[name] == pytest.approx(value), name
    for key in ("train/loss", "train/accuracy", "val/loss", "val/accuracy"):
        curve = sorted((point.step, point.value) for point in store.client.get_metric_history(run_id, key))
        assert curve == [(line["epoch"], line[key.replace("/", "_")]) for line in run.history()], key
    artifacts = {item.path for item in store.client.list_artifacts(run_id)}
    assert artifacts >= {
        "recipe.json", "weights.safetensors", "predictions.safetensors", "history.csv", "confusion.csv",
        "confusion.png", "curves.png", "samples.png", "network.png", "layers.csv",
    }  # fmt: skip


def test_parameters_are_flat_and_tags_say_what_the_numbers_depend_on(store, trained, send):
    run = trained(epochs=1, seed=3)

    found = record_of(store, send(run))

    params, tags = found.data.params, found.data.tags
    assert (params["lr"], params["log10_lr"], params["batch_size"], params["seed"]) == ("0.01", "-2.0", "100", "3")
    assert not any(value.startswith("{") for value in params.values())
    assert tags["suite.identity"] == run.identity
    assert tags["suite.weights_sha256"] == run.result()["weights_sha256"]
    assert tags["suite.env.threads"] == "1"
    assert {"suite.env.torch", "suite.env.cpu", "suite.env.cpu_capability", "mlflow.user"} <= tags.keys()
    assert "test images right" in tags["mlflow.note.content"]


def test_the_dataset_column_is_filled_with_digest_and_size(store, trained, send):
    found = record_of(store, send(trained(epochs=1)))

    inputs = {one.tags[0].value: one.dataset for one in found.inputs.dataset_inputs}
    assert {name: json.loads(data.profile)["num_rows"] for name, data in inputs.items()} == {
        "training": 1500, "testing": 297,
    }  # fmt: skip
    assert inputs["training"].digest == CATALOG["digits"].training_digest[:36]
    assert inputs["training"].name == "digits"


def test_sending_again_doubles_nothing(store, trained, send):
    run = trained(epochs=3)
    first = send(run)
    before = [store.client.get_metric_history(first, key) for key in ("train/loss", "test/accuracy")]

    again = [send(run) for _ in range(3)]

    assert set(again) == {first}
    assert [store.client.get_metric_history(first, key) for key in ("train/loss", "test/accuracy")] == before
    assert len(search(store, f"tags.`suite.identity` = '{run.identity}' and tags.`suite.kind` = 'run'")) == 1


def test_epochs_are_sent_as_they_come_and_a_resumed_run_goes_on_in_the_same_record(store, trained, send):
    half = trained(epochs=4, stop_after=2)
    run_id = send(half, "interrupted")
    assert record_of(store, run_id).info.status == "KILLED"
    assert len(store.client.get_metric_history(run_id, "train/loss")) == 2

    send(half)
    assert record_of(store, run_id).info.status == "RUNNING"

    finished = trained(epochs=4)
    assert send(finished) == run_id
    assert record_of(store, run_id).info.status == "FINISHED"
    assert [point.step for point in store.client.get_metric_history(run_id, "train/loss")] == [0, 1, 2, 3]


def test_a_run_that_began_anew_before_its_first_checkpoint_keeps_its_one_record(store, trained, send, monkeypatch):
    """Its folder began a second time, so the moment of the first beginning says no longer whose the record is."""

    def killed(*_):
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(state, "save", killed)
        first = trained(epochs=3)
    assert first.recipe()
    assert not first.checkpoint.exists()
    ids = [send(first, "interrupted"), *(send(trained(epochs=3, stop_after=stop), "interrupted") for stop in (1, 2))]
    run = trained(epochs=3)

    assert {*ids, send(run)} == {ids[0]}
    assert len(search(store, f"tags.`suite.identity` = '{run.identity}' and tags.`suite.kind` = 'run'")) == 1


def test_seeds_of_one_recipe_are_grouped_under_a_parent_with_mean_and_spread(store, trained, send):
    runs = [trained(seed=seed, epochs=1) for seed in range(3)]
    ids = [send(run) for run in runs]

    Mirror(store).sum_up()
    Mirror(store).sum_up()

    parents = {record_of(store, run_id).data.tags["mlflow.parentRunId"] for run_id in ids}
    parent = record_of(store, *parents)
    accuracies = [run.result()["metrics"]["test/accuracy"] for run in runs]
    mean = sum(accuracies) / 3
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["seeds/n"] == 3
    assert parent.data.metrics["test/accuracy"] == pytest.approx(mean)
    spread = math.sqrt(sum((value - mean) ** 2 for value in accuracies) / 2)
    assert parent.data.metrics["test/accuracy_sd"] == pytest.approx(spread)
    assert len(store.client.get_metric_history(parent.info.run_id, "seeds/n")) == 1


def test_a_parent_has_the_dataset_and_a_note_of_its_seeds(store, trained, send):
    """MLflow's table shows the parents first; their seeds are collapsed."""
    seeds = [record_of(store, send(trained(epochs=1, seed=seed))) for seed in range(2)]
    mirror = Mirror(store)

    mirror.sum_up()

    parent = record_of(store, seeds[0].data.tags["mlflow.parentRunId"])
    note, mean = parent.data.tags["mlflow.note.content"], parent.data.metrics["test/accuracy"]
    assert parent.inputs.to_dictionary() == seeds[0].inputs.to_dictionary()
    assert note.startswith(f"**{mean:.4f}** ± {parent.data.metrics['test/accuracy_sd']:.4f} of 297 test images right")
    assert "over 2 seeds" in note


def test_a_parent_of_one_seed_has_no_spread_in_its_note(store, trained, send):
    seed = record_of(store, send(trained(epochs=1)))

    Mirror(store).sum_up()

    parent = record_of(store, seed.data.tags["mlflow.parentRunId"])
    assert "±" not in parent.data.tags["mlflow.note.content"]
    assert "over 1 seed." in parent.data.tags["mlflow.note.content"]


def test_a_run_that_is_sent_late_ended_when_it_did(store, trained, send):
    """Otherwise the durations that MLflow shows would include the hours without a server."""
    run = trained(epochs=1)
    result = run.folder / "result.json"
    os.utime(result, (result.stat().st_atime, 1_700_000_000))

    assert record_of(store, send(run)).info.end_time == 1_700_000_000_000


def test_a_run_that_no_process_works_on_is_not_left_running(store, trained, send):
    alive, dead = trained(seed=0, epochs=2, stop_after=1), trained(seed=1, epochs=2, stop_after=1)
    finished = trained(seed=2, epochs=2)
    ids = [send(run) for run in (alive, dead, finished)]
    for run_id in ids:
        store.client.update_run(run_id, status="RUNNING")

    with alive.claim():
        Mirror(store).end_dead([run.folder for run in (alive, dead, finished)])

    assert [record_of(store, run_id).info.status for run_id in ids] == ["RUNNING", "KILLED", "FINISHED"]


def test_a_diverged_run_is_failed_and_has_no_accuracy(store, trained, send):
    run = trained(optimizer="sgd", lr=1e30)

    found = record_of(store, send(run))

    assert found.info.status == "FAILED"
    assert "test/accuracy" not in found.data.metrics
    assert all(math.isfinite(value) and abs(value) < 1e300 for value in found.data.metrics.values())
    assert "Diverged" in found.data.tags["mlflow.note.content"]


def test_the_frame_gives_back_what_was_sent(store, trained, send):
    run = trained(seed=2, epochs=2)
    run_id = send(run)

    frame = finished_runs(store)

    row = frame[frame["run_id"] == run_id].iloc[0]
    assert (row["experiment"], row["identity"], row["seed"]) == (run.experiment, run.identity, 2)
    assert row["test/accuracy"] == run.result()["metrics"]["test/accuracy"]
    assert row["param.lr"] == "0.01"
    [found] = fetch(store, [row["artifact_uri"]], ["history.csv", "nothing.csv"])
    assert found == {"history.csv": (run.folder / "artifacts" / "history.csv").read_bytes()}


def test_the_figures_of_a_group_have_no_step_and_the_newest_mean_counts(store, trained, send):
    """If one step were not 0, MLflow's charts would show lines instead of bars."""
    mirror = Mirror(store)
    send(trained(seed=0))
    mirror.sum_up()
    run = trained(seed=1)
    send(run)
    mirror.sum_up()
    mirror.sum_up()

    [group] = store.client.search_runs([store.experiment_id], f"tags.`suite.group` = '{run.identity}'")
    counts = store.client.get_metric_history(group.info.run_id, "seeds/n")
    assert group.data.metrics["seeds/n"] == 2
    assert sorted((point.step, point.value) for point in counts) == [(0, 1), (0, 2)]
    assert len({point.timestamp for point in counts}) == 2
