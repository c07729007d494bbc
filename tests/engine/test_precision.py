"""A step in another precision: torch's autocast and nothing else, and every look at images in float32 as before."""

import math

import pytest
import torch

from suite.engine import checkpoint
from suite.engine.batches import batches, normalised
from suite.engine.build import build_loss, build_model, build_optimizer
from suite.engine.epoch import train_epoch
from suite.engine.rewrite import rewrite
from suite.engine.sets import published
from suite.engine.state import State
from suite.engine.train import train


def plain():
    """Without dropout, so that a loop of one's own draws what the engine draws."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(4), torch.nn.Flatten(), torch.nn.Linear(144, 10)
    )


@pytest.fixture
def half(experiment):
    return experiment(network=plain, precision="bfloat16", shuffle=False, epochs=1)


def test_an_epoch_is_that_of_torchs_autocast_to_the_bit(half, digits):
    recipe, sets = half.recipe, published(half.recipe, digits)
    model = build_model(recipe, half.network, 0)
    by_hand, optimizer, loss_of = rewrite(model), build_optimizer(recipe, model), build_loss(recipe)
    for images, labels in batches(sets.training, recipe.batch_size):
        with torch.autocast("cpu", torch.bfloat16):
            scores = by_hand(normalised(images, recipe))
        loss_of(scores.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    engine = build_model(recipe, half.network, 0)
    state = State.begun(recipe, engine)
    updates = math.ceil(len(sets.training[1]) / recipe.batch_size)
    train_epoch(state, recipe, sets, loss_of, 0, 0, lambda _: None, lambda *_: False, updates)

    assert all(torch.equal(engine.state_dict()[name], weights) for name, weights in model.state_dict().items())


def test_weights_and_looks_at_images_are_float32_and_the_network_learns(half, run_of, digits):
    run = run_of(half)
    with run.claim():
        result = train(run, half, digits, lambda _: None)
    weights = checkpoint.load_tensors(run.folder / "weights.safetensors")
    found = checkpoint.load_tensors(run.folder / "predictions.safetensors")
    model = build_model(half.recipe, half.network, 0)
    model.load_state_dict(weights)
    with torch.inference_mode():
        shares = rewrite(model).eval()(normalised(digits.test_images, half.recipe)).softmax(1)

    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert torch.equal(found["predicted"].long(), shares.argmax(1))
    assert torch.allclose(found["confidence"], shares.max(1).values, atol=1e-6)
    assert result["metrics"]["test/accuracy"] > 0.3


def test_float32_is_what_was_done_before_there_was_a_choice(experiment, run_of, digits):
    results = {}
    for precision in ("float32", "bfloat16"):
        one = experiment(network=plain, epochs=1, precision=precision)
        run = run_of(one, under=precision)
        with run.claim():
            results[precision] = train(run, one, digits, lambda _: None)
    silent = experiment(network=plain, epochs=1)

    assert silent.identity == experiment(network=plain, epochs=1, precision="float32").identity
    assert results["float32"]["weights_sha256"] != results["bfloat16"]["weights_sha256"]
