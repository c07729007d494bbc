"""The ready fields: built from torch's own parts, and resumed bit for bit."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from suite.engine.average import Average
from suite.engine.build import build_loss, build_model, build_optimizer, plain_loss
from suite.engine.epoch import train_epoch
from suite.engine.evaluate import evaluate
from suite.engine.sets import Labelled, Sets
from suite.engine.state import State
from suite.engine.train import train
from suite.recipe.trial import Budget
from tests.engine.test_train import Broken, break_at, quiet
from tests.engine.test_trial import assert_same, do, trial_of  # noqa: F401  a fixture

READY = {
    "adamw, cosine": {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "warm_up": 5},
    "nadam, steps": {"optimizer": "nadam", "schedule": "step", "augment": "rotate15,erase8"},
    "rmsprop, clipped": {"optimizer": "rmsprop", "momentum": 0.5, "lr": 0.001, "clip_norm": 0.5},
    "nesterov, smoothed": {"optimizer": "nesterov", "momentum": 0.9, "label_smoothing": 0.1, "augment": "crop2,flip"},
    "averaged": {"average": 0.9, "holdout": 0.3, "keep": "best", "augment": "crop2", "shuffle": False},
}


@pytest.mark.slow
@pytest.mark.parametrize("fields", READY.values(), ids=READY)
def test_broken_off_after_every_epoch_it_ends_as_an_unbroken_one(experiment, trial_of, digits, fields):  # noqa: F811
    small, budget = experiment(**fields), Budget("samples", 3)
    unbroken, broken = trial_of(small, budget, under="unbroken"), trial_of(small, budget, under="broken")
    do(unbroken, small, digits, budget)

    for _ in range(3):
        with pytest.raises(Broken):
            do(broken, small, digits, budget, emit=break_at(1))
    do(broken, small, digits, budget)

    assert_same(broken, unbroken)


@pytest.mark.parametrize(
    ("fields", "kind", "settings"),
    [
        ({"optimizer": "adamw", "betas": (0.7, 0.9), "weight_decay": 0.1}, torch.optim.AdamW,
         {"betas": (0.7, 0.9), "weight_decay": 0.1, "lr": 0.01}),
        ({"optimizer": "nadam", "betas": (0.7, 0.9)}, torch.optim.NAdam, {"betas": (0.7, 0.9), "lr": 0.01}),
        ({"optimizer": "rmsprop", "momentum": 0.5, "weight_decay": 0.1}, torch.optim.RMSprop,
         {"momentum": 0.5, "weight_decay": 0.1, "lr": 0.01}),
        ({"optimizer": "nesterov", "momentum": 0.5}, torch.optim.SGD, {"momentum": 0.5, "nesterov": True}),
        ({"optimizer": "sgd"}, torch.optim.SGD, {"nesterov": False}),
    ],
)  # fmt: skip
def test_an_optimiser_is_torchs_with_the_recipes_settings(experiment, fields, kind, settings):
    optimizer = build_optimizer(experiment(**fields).recipe, nn.Linear(3, 2))

    assert type(optimizer) is kind
    assert {name: optimizer.param_groups[0][name] for name in settings} == settings


def test_label_smoothing_is_torchs_and_no_evaluation_is_smoothed(experiment):
    recipe, scores, labels = experiment(label_smoothing=0.2).recipe, torch.randn(5, 10), torch.arange(5)

    assert build_loss(recipe)(scores, labels) == functional.cross_entropy(scores, labels, label_smoothing=0.2)
    assert plain_loss(recipe)(scores, labels) == functional.cross_entropy(scores, labels)


def one_epoch(small, digits, enough=lambda step, _seconds: step == 3):
    model = build_model(small.recipe, small.network, 0)
    state, sets = State.begun(small.recipe, model), Sets(Labelled(digits.train_images, digits.train_labels))
    train_epoch(state, small.recipe, sets, build_loss(small.recipe), 0, 0, quiet, enough, 100)
    return state


def test_gradients_are_clipped_to_the_norm(experiment, digits):
    """Plain SGD with the rate 1 moves the weights by the gradient: by the norm where it was longer."""
    fields = {"optimizer": "sgd", "lr": 1.0, "clip_norm": 1e-3}
    small = experiment(**fields)
    before = build_model(small.recipe, small.network, 0)

    after = one_epoch(small, digits, lambda *_: True).model

    pairs = zip(after.parameters(), before.parameters(), strict=True)
    assert sum(((one - other) ** 2).sum() for one, other in pairs).sqrt().item() == pytest.approx(1e-3, rel=1e-3)


def test_the_average_is_that_of_the_steps_and_leaves_the_training_alone(experiment, digits, monkeypatch):
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    averaged, plain = (one_epoch(experiment(**fields), digits) for fields in ({"average": 0.8}, {}))
    weights = [one_epoch(experiment(), digits, lambda step, _s, n=n: step == n).model[1].weight for n in (1, 2, 3)]

    expected = weights[0].detach()
    for later in weights[1:]:
        expected = 0.8 * expected + 0.2 * later.detach()

    assert torch.equal(averaged.model[1].weight, plain.model[1].weight)
    assert torch.allclose(averaged.average.tensors["1.weight"], expected, atol=1e-7)
    assert torch.equal(averaged.kept()["1.weight"], averaged.average.tensors["1.weight"])
    with averaged.evaluated():
        assert torch.equal(averaged.model[1].weight, averaged.average.tensors["1.weight"])
    assert torch.equal(averaged.model[1].weight, plain.model[1].weight)


def test_batch_norms_statistics_are_averaged_and_counters_are_not():
    model = nn.BatchNorm1d(2)
    average = Average(model, 0.5)
    for _ in range(3):
        model(torch.randn(8, 2))
        average.update()

    assert set(average.tensors) == {"weight", "bias", "running_mean", "running_var"}
    with average.in_place():
        assert torch.equal(model.running_mean, average.tensors["running_mean"])
        assert model.num_batches_tracked == 3


@pytest.mark.parametrize("fields", [{}, {"holdout": 0.3, "keep": "best"}], ids=["last", "best"])
def test_the_averages_are_evaluated_and_kept(experiment, run_of, digits, fields):
    from suite.engine import checkpoint

    small = experiment(average=0.9, epochs=2, **fields)
    run = run_of(small)
    with run.claim():
        result = train(run, small, digits, quiet)

    tensors = checkpoint.load(run.checkpoint)[0]
    kept = checkpoint.load_tensors(run.folder / "weights.safetensors")
    model = build_model(small.recipe, small.network, 0)
    model.load_state_dict(kept)
    found = evaluate(model, Labelled(digits.test_images, digits.test_labels), small.recipe, plain_loss(small.recipe))

    assert result["metrics"]["test/accuracy"] == found.accuracy()
    if not fields:
        assert torch.equal(kept["1.weight"], tensors["average.1.weight"])
        assert run.history()[-1]["test_accuracy"] == found.accuracy()
    assert not torch.equal(kept["1.weight"], tensors["model.1.weight"])
