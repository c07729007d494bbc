"""A network whose evaluation does not repeat is named; the disk is blamed only where the evaluation repeats."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from suite.engine import checkpoint, equality
from suite.engine.train import train
from suite.errors import MACHINE, USER, SuiteError


class Late(nn.Module):
    """Draws at evaluation, but not before `Late.on`."""

    on = False

    def __init__(self):
        super().__init__()
        self.drop = Drop()
        self.last = nn.Linear(784, 10)

    def forward(self, images):
        return self.last(self.drop(images.flatten(1)))


class Drop(nn.Module):
    """Dropout that forgets `training=self.training`."""

    def forward(self, images):
        return functional.dropout(images) if Late.on else images


def do(run, experiment, data):
    with run.claim():
        return train(run, experiment, data, lambda _event: None)


def test_an_evaluation_that_draws_is_refused_before_the_training(experiment, run_of, digits, monkeypatch):
    monkeypatch.setattr(Late, "on", True)
    small = experiment(lambda: Late(), epochs=1)

    with pytest.raises(SuiteError, match=r"Late\.drop \(Drop\) computes other .* at each evaluation") as caught:
        do(run_of(small), small, digits)

    assert caught.value.code == USER
    assert not run_of(small).checkpoint.exists()


def test_an_evaluation_that_draws_only_later_is_not_blamed_on_the_disk(experiment, run_of, digits, monkeypatch):
    small = experiment(lambda: Late(), epochs=1)
    saved = checkpoint.save_tensors
    monkeypatch.setattr(Late, "on", False)
    monkeypatch.setattr(
        checkpoint, "save_tensors", lambda path, tensors: (setattr(Late, "on", True), saved(path, tensors))
    )

    with pytest.raises(SuiteError, match=r"Late\.drop \(Drop\) computes other .* at each evaluation"):
        do(run_of(small), small, digits)


def test_other_weights_in_the_file_are_blamed_on_the_machine(experiment, run_of, digits, monkeypatch):
    small = experiment(epochs=1)
    monkeypatch.setattr(
        checkpoint, "load_tensors",
        lambda _path: {name: torch.zeros_like(tensor) for name, tensor in small.network().state_dict().items()},
    )  # fmt: skip

    with pytest.raises(SuiteError, match="disk or the memory of this machine") as caught:
        do(run_of(small), small, digits)

    assert caught.value.code == MACHINE


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([1.0, float("nan")], [1.0, float("nan")], True),
        ([1.0], [1.0000001], False),
        ([1.0], [1.0, 1.0], False),
        ([1.0], [1], False),
    ],
)
def test_tensors_are_the_same_where_type_shape_and_values_are(one, other, equal):
    assert equality.same(torch.tensor(one), torch.tensor(other)) is equal
