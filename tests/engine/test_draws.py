"""Randomness as a function of names."""

import random

import numpy as np
import torch

from suite.engine.draws import draw, permutation, set_seed


def test_a_draw_depends_on_seed_purpose_and_epoch_alone():
    draws = {
        (seed, purpose, n): draw(seed, purpose, n) for seed in (0, 1) for purpose in ("order", "epoch") for n in (0, 1)
    }

    assert len(set(draws.values())) == len(draws)
    assert draws == {names: draw(*names) for names in reversed(draws)}
    assert all(0 <= number < 2**63 for number in draws.values())


def test_an_epochs_order_does_not_depend_on_what_was_drawn_before():
    expected = permutation(100, seed=3, epoch=7)

    torch.rand(1000)
    permutation(100, seed=3, epoch=6)

    assert torch.equal(permutation(100, seed=3, epoch=7), expected)
    assert sorted(expected.tolist()) == list(range(100))
    assert not torch.equal(permutation(100, seed=3, epoch=8), expected)


def test_setting_the_seed_starts_torchs_generator_anew():
    set_seed(5, "epoch", 2)
    expected = torch.rand(4)

    set_seed(5, "epoch", 2)

    assert torch.equal(torch.rand(4), expected)


def test_setting_the_seed_starts_the_generators_of_python_and_numpy_anew_and_changes_no_draw_of_torchs():
    set_seed(5, "epoch", 2)
    expected = random.random(), np.random.rand(), torch.rand(())
    random.random(), np.random.rand()

    set_seed(5, "epoch", 2)

    assert (random.random(), np.random.rand(), torch.rand(())) == expected
    torch.manual_seed(draw(5, "epoch", 2))
    assert torch.rand(()) == expected[2]
