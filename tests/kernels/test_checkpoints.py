"""A run that the kernels train has the same weights, however often it is broken off between two epochs."""

import pytest
from torch import nn

from tests.engine.test_train import Broken, break_at, do, epochs_without_clock
from tests.kernels.test_residual import Block


def with_everything():
    """Adam's or momentum's state, running figures and their counts, and dropout's draws."""
    return nn.Sequential(
        nn.Conv2d(1, 5, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(80, 10), nn.BatchNorm1d(10),
    )  # fmt: skip


def with_branches():
    """The images' and the branches' gradients meet at forks."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 3), Block(4, 4), Block(4, 6, 2), nn.AvgPool2d(5), nn.Flatten(), nn.Linear(6, 10)
    )


FIELDS = {
    "adam": {},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "sgd": {"optimizer": "sgd", "lr": 0.1},
    "nesterov, decay": {"optimizer": "nesterov", "momentum": 0.5, "weight_decay": 0.01},
    "adamw, the best epoch": {"optimizer": "adamw", "holdout": 0.3, "keep": "best", "augment": "crop2,flip"},
}


NETWORKS = [*((with_everything, fields) for fields in FIELDS.values()), (with_branches, FIELDS["nesterov, decay"])]


@pytest.mark.slow
@pytest.mark.parametrize(("network", "fields"), NETWORKS, ids=[*FIELDS, "branches"])
def test_a_broken_run_that_goes_on_has_the_weights_of_an_unbroken_one(experiment, run_of, digits, network, fields):
    small = experiment(network, epochs=2, **fields)
    unbroken, broken = run_of(small, under="unbroken"), run_of(small, under="broken")
    wanted = do(unbroken, small, digits)

    with pytest.raises(Broken):
        do(broken, small, digits, break_at(1))
    found = do(broken, small, digits)

    assert wanted["environment"]["way"] == found["environment"]["way"] == "kernels"
    assert found["weights_sha256"] == wanted["weights_sha256"]
    assert found["predictions_sha256"] == wanted["predictions_sha256"]
    assert epochs_without_clock(broken) == epochs_without_clock(unbroken)
