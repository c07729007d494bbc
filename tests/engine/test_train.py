"""The same recipe and seed give the same bits, however often the run is broken off."""

import json
import random

import pytest
import torch
from torch import nn

from suite.disk.journal import damaged
from suite.engine import checkpoint, state
from suite.engine.events import EpochEnded
from suite.engine.rewrite import rewrite
from suite.engine.train import train
from suite.errors import SuiteError


class Broken(Exception):
    """Stands for whatever ends a process."""


def quiet(_event):
    """Listen to nothing."""


def break_at(number):
    """An `emit` that ends the run at its n-th finished epoch, after that epoch was written down."""
    epochs = []

    def emit(event):
        if isinstance(event, EpochEnded):
            epochs.append(event.epoch["epoch"])
            if len(epochs) == number:
                raise Broken

    return emit


def do(run, experiment, data, emit=quiet):
    with run.claim():
        return run.result() or train(run, experiment, data, emit)


def channels_last():
    """A network whose weights and moments lie otherwise in memory than in a file."""
    layers = nn.Conv2d(1, 6, 5, 2), nn.ReLU(), nn.Conv2d(6, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(200, 10)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def without_clock(result):
    return {key: value for key, value in result.items() if key not in ("clock", "files")}


def epochs_without_clock(run):
    return [{key: value for key, value in record.items() if key != "clock"} for record in run.history()]


def test_the_same_run_twice_gives_the_same_result_and_history(experiment, run_of, digits):
    small = experiment()
    first, second = run_of(small, under="first"), run_of(small, under="second")

    one, other = do(first, small, digits), do(second, small, digits)

    assert without_clock(one) == without_clock(other)
    assert epochs_without_clock(first) == epochs_without_clock(second)
    assert (first.folder / "weights.safetensors").read_bytes() == (second.folder / "weights.safetensors").read_bytes()


def test_another_seed_gives_other_weights(experiment, run_of, digits):
    small = experiment(epochs=1)

    one, other = do(run_of(small, seed=0), small, digits), do(run_of(small, seed=1), small, digits)

    assert one["weights_sha256"] != other["weights_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01},
        {"shuffle": False, "holdout": 0.3, "keep": "best"},
        {"probe_every": 4, "probe_images": 50, "normalize": (0.1, 0.3)},
        {"loss": "mse-one-hot", "init_std": 0.05},
        {"schedule": "one-cycle", "betas": (0.7, 0.9)},
        {"schedule": "one-cycle", "optimizer": "sgd", "lr": 0.1, "momentum": 0.9},
        {"network": channels_last},
        {"precision": "bfloat16"},
    ],
)
def test_a_run_broken_off_after_every_epoch_ends_as_an_unbroken_one(experiment, run_of, digits, fields):
    small = experiment(**fields)
    unbroken, broken = run_of(small, under="unbroken"), run_of(small, under="broken")
    expected = do(unbroken, small, digits)

    for _ in range(small.recipe.epochs):
        with pytest.raises(Broken):
            do(broken, small, digits, break_at(1))
    result = do(broken, small, digits)

    assert without_clock(result) == without_clock(expected)
    assert epochs_without_clock(broken) == epochs_without_clock(unbroken)


def test_a_resumed_run_rewrites_its_network_once(experiment, run_of, digits, monkeypatch):
    small, rewritten = experiment(epochs=2), []
    run = run_of(small)
    with pytest.raises(Broken):
        do(run, small, digits, break_at(1))
    monkeypatch.setattr(state, "rewrite", lambda model: rewritten.append(model) or rewrite(model))

    do(run, small, digits)

    assert len(rewritten) == 1


def test_a_finished_run_is_not_trained_again(experiment, run_of, digits):
    small = experiment(epochs=1)
    run = run_of(small)
    expected = do(run, small, digits)
    before = {path: path.stat().st_mtime_ns for path in run.folder.iterdir() if path.name != "lock"}

    again = do(run, small, digits, break_at(1))

    assert again["weights_sha256"] == expected["weights_sha256"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_checkpoint_stops_its_run_and_stays_as_it_was(experiment, run_of, digits, seed):
    small = experiment(epochs=2)
    run, chance = run_of(small), random.Random(seed)
    with pytest.raises(Broken):
        do(run, small, digits, break_at(1))
    contents = bytearray(run.checkpoint.read_bytes())
    contents[chance.randrange(len(contents))] ^= 1 << chance.randrange(8)
    run.checkpoint.write_bytes(contents)

    with pytest.raises(SuiteError, match="is damaged"):
        do(run, small, digits)

    assert run.checkpoint.read_bytes() == contents


def test_another_runs_checkpoint_is_refused(experiment, run_of, digits):
    small = experiment(epochs=2)
    one, other = run_of(small, seed=0), run_of(small, seed=1)
    for run in (one, other):
        with pytest.raises(Broken):
            do(run, small, digits, break_at(1))
    one.checkpoint.write_bytes(other.checkpoint.read_bytes())

    with pytest.raises(SuiteError, match="belongs to another run"):
        do(one, small, digits)


def test_a_loss_that_is_no_number_ends_the_run_as_diverged(experiment, run_of, digits):
    wild = experiment(optimizer="sgd", lr=1e30, epochs=3)
    run = run_of(wild)

    result = do(run, wild, digits)

    assert result["status"] == "diverged"
    assert result["epoch"] == len(run.history())
    assert result["metrics"] == {}
    assert "weights_sha256" not in result
    assert do(run, wild, digits)["status"] == "diverged"


def test_both_evaluations_are_written_the_sources_subset_and_all_images(experiment, run_of, digits):
    small = experiment(test_images=100)
    run = run_of(small)

    metrics = do(run, small, digits)["metrics"]

    predicted = checkpoint.load_tensors(run.folder / "predictions.safetensors")["predicted"]
    right = predicted == digits.test_labels
    assert (metrics["test/images"], metrics["test/source_images"]) == (297, 100)
    assert metrics["test/accuracy"] == pytest.approx(right.double().mean().item())
    assert metrics["test/source_accuracy"] == pytest.approx(right[:100].double().mean().item())


def test_the_weights_of_the_best_validation_epoch_are_kept(experiment, run_of, digits):
    small = experiment(holdout=0.3, keep="best", epochs=6, lr=0.05)
    last = experiment(holdout=0.3, keep="last", epochs=6, lr=0.05)

    best = do(run_of(small), small, digits)
    history = run_of(small).history()
    do(run_of(last), last, digits)

    accuracies = [record["val_accuracy"] for record in history]
    assert best["metrics"]["val/best_accuracy"] == max(accuracies)
    assert best["metrics"]["val/best_epoch"] == accuracies.index(max(accuracies))
    kept = with_weights_of(run_of(small))
    rest = slice(small.recipe.training_images(), None)
    images, labels = digits.train_images[rest], digits.train_labels[rest]
    right = (kept(images.unsqueeze(1).float() / 255).argmax(1) == labels).double().mean().item()
    assert right == pytest.approx(max(accuracies))


def with_weights_of(run):
    from tests.engine.conftest import with_dropout

    model = with_dropout()
    model.load_state_dict(checkpoint.load_tensors(run.folder / "weights.safetensors"))
    return model.eval()


def test_a_plain_loop_written_by_hand_comes_to_the_same_weights(experiment, run_of, digits):
    """An independent account of what a recipe means: data order, loss, optimiser and all."""
    plain = experiment(network=lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), shuffle=False, epochs=2)
    run = run_of(plain)
    do(run, plain, digits)
    trained = checkpoint.load_tensors(run.folder / "weights.safetensors")

    from suite.engine.build import build_model

    model = build_model(plain.recipe, plain.network, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, foreach=False, fused=False)
    for _ in range(2):
        for start in range(0, 1500, 100):
            pixels = digits.train_images[start : start + 100].reshape(-1, 1, 28, 28).double().div(255).float()
            loss = nn.CrossEntropyLoss()(model(pixels), digits.train_labels[start : start + 100])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    for name, tensor in model.state_dict().items():
        assert torch.allclose(trained[name], tensor, atol=1e-6), name


def test_test_images_choose_nothing(experiment, run_of, digits):
    """What they are like changes what is written down of them and no other number: no weight, no epoch kept."""
    from dataclasses import replace

    small = experiment(holdout=0.3, keep="best")
    blind = replace(digits, test_images=torch.zeros_like(digits.test_images))

    seen, unseen = run_of(small, under="seen"), run_of(small, under="unseen")
    one, other = do(seen, small, digits), do(unseen, small, blind)

    assert one["weights_sha256"] == other["weights_sha256"]
    watched, not_watched = epochs_without_clock(seen), epochs_without_clock(unseen)
    assert [epoch.pop("test_accuracy") for epoch in watched] != [epoch.pop("test_accuracy") for epoch in not_watched]
    assert watched == not_watched
    assert one["metrics"]["test/accuracy"] != other["metrics"]["test/accuracy"]


def test_the_last_epochs_test_accuracy_is_the_runs_own(experiment, run_of, digits):
    small = experiment()

    result = do(run := run_of(small), small, digits)

    assert run.history()[-1]["test_accuracy"] == result["metrics"]["test/accuracy"]
    assert len({epoch["test_accuracy"] for epoch in run.history()}) > 1


def test_probing_changes_no_weight(experiment, run_of, digits):
    plain, probed = experiment(), experiment(probe_every=2, probe_images=100)

    one, other = do(run_of(plain), plain, digits), do(run_of(probed), probed, digits)

    assert one["weights_sha256"] == other["weights_sha256"]
    steps = [probe["step"] for record in run_of(probed).history() for probe in record["probes"]]
    assert steps == [*range(2, 15, 2), *range(17, 30, 2), *range(32, 45, 2)]


def test_the_recipe_file_says_what_was_trained_and_where(experiment, run_of, digits):
    small = experiment(epochs=1)
    run = run_of(small)

    do(run, small, digits)

    facts = json.loads((run.folder / "recipe.json").read_text())
    assert facts["recipe"] == small.recipe.protocol()
    assert facts["environment"]["threads"] == 1
    assert facts["environment"]["torch"] == torch.__version__
    assert facts["network"] == "the network's text"


def test_a_refusal_names_the_file_and_the_remedy(tmp_path):
    refusal = str(damaged(tmp_path / "run" / "checkpoint", "it is cut short"))

    assert refusal.startswith(str(tmp_path / "run" / "checkpoint"))
    assert f"move the folder {tmp_path / 'run'} away" in refusal


def test_every_look_at_images_counts_as_evaluation_and_none_as_training(experiment, run_of, digits):
    small = experiment(probe_every=2, probe_images=100, holdout=0.2)
    clock = do(run_of(small), small, digits)["clock"]
    clocks = [record["clock"] for record in run_of(small).history()]

    looks = [one[f"{kind}_seconds"] for one in clocks for kind in ("probe", "validate", "test")]
    assert min(looks) > 0
    assert clock["perf/evaluation_seconds"] > sum(looks)  # the last look of all comes on top
    assert clock["perf/train_seconds"] == pytest.approx(sum(one["train_seconds"] for one in clocks))
