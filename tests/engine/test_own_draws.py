"""A portable training by the kernels draws from Philox: the same numbers under any torch, usually distributed."""

import hashlib

import pytest
import torch
from torch import nn

from suite.engine import exact
from suite.engine.draws import set_seed
from suite.engine.own_draws import Draws, redraw
from suite.engine.train import train
from suite.recipe import Recipe

RECIPE = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=4, epochs=1, portable=True)


def digest(*tensors):
    return hashlib.sha256(b"".join(one.numpy().tobytes() for one in tensors)).hexdigest()[:16]


def plain():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 10))


def seeded(make, seed=3):
    exact.make_exact()
    set_seed(seed, "init", 0)
    return make()


def test_the_stream_is_the_one_that_is_written_down():
    stream = Draws(7, "epoch", 2)

    assert digest(stream.uniform(100), stream.normal(101), stream.permutation(50)) == "af0d74c1517a0303"


def test_another_seed_purpose_or_number_gives_another_stream():
    found = [Draws(*of).uniform(8).tolist() for of in [(0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1), (0, "a", 0)]]

    assert found[0] == found[4]
    assert len({tuple(one) for one in found}) == 4


def test_the_numbers_have_their_distributions():
    stream = Draws(0, "test", 0)
    uniform, normal, order = stream.uniform(100_000), stream.normal(20_000).double(), stream.permutation(1_000)

    assert 0 <= uniform.min() < 1e-3
    assert 0.999 < uniform.max() < 1
    assert uniform.double().mean().item() == pytest.approx(0.5, abs=0.005)  # five standard errors
    assert normal.mean().item() == pytest.approx(0, abs=0.036)
    assert normal.var().item() == pytest.approx(1, abs=0.05)
    assert (normal**4).mean().item() == pytest.approx(3, abs=0.36)
    assert sorted(order.tolist()) == list(range(1_000))
    assert order.tolist() != list(range(1_000))


def test_first_weights_are_those_of_torchs_distribution_whatever_torchs_generator_gives():
    one, other = seeded(plain, seed=3), seeded(plain, seed=3)
    redraw(one, RECIPE, 3)
    torch.manual_seed(99)
    redraw(other, RECIPE, 3)

    first = one[1].weight.detach()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not torch.equal(first, seeded(plain, seed=3)[1].weight)
    assert first.abs().max().item() <= 1 / 28
    assert first.std().item() == pytest.approx(1 / 28 / 3**0.5, rel=0.01)


def test_a_network_that_fills_its_weights_in_its_own_way_keeps_them():
    def own():
        model = plain()
        nn.init.xavier_uniform_(model[1].weight)
        return model

    model = seeded(own)
    before = [weights.clone() for weights in model.parameters()]

    redraw(model, RECIPE, 3)

    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_init_std_draws_normal_weights_and_keeps_biases_of_zero():
    recipe = RECIPE.changed({"init_std": 0.01})
    model = seeded(plain)
    for name, weights in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weights)

    redraw(model, recipe, 3)

    assert model[1].weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not model[1].bias.any()


def with_dropout():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))


def test_a_portable_run_takes_no_number_from_torch(experiment, digits, run_of, monkeypatch):
    """Another torch draws other numbers: here one whose generators begin elsewhere."""
    mine, usual = experiment(network=with_dropout, portable=True, epochs=2), torch.manual_seed

    def weights(under):
        run = run_of(mine, under=under)
        with run.claim():
            return train(run, mine, digits, lambda _: None)["weights_sha256"]

    first = weights("one")
    monkeypatch.setattr(torch, "manual_seed", lambda number: usual(number ^ 1))

    assert weights("other") == first
