"""Changes outside the `state_dict` are found, those of torch's own layers and of other libraries give no alarm."""

import logging

import pytest
import torch
from torch import nn

from suite.engine.outside import Outside

LOG = logging.getLogger(__name__)


class Keeps(nn.Module):
    """Keeps its last images in several ways."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.flat = self.layer.weight.data
        self.kept = None

    def forward(self, images):
        LOG.debug("a logger changes its own cache")
        return self.layer(images)


@pytest.mark.parametrize(
    "make",
    [
        Keeps,
        lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 4)),
        lambda: nn.LSTM(4, 4, num_layers=2, dropout=0.1),
        lambda: nn.TransformerEncoderLayer(4, 2, 8),
        lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))),
    ],
)
def test_layers_keep_nothing_outside_while_they_train(make):
    model = make()
    outside = Outside(model, make)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    for _ in range(2):
        scores = model(torch.rand(8, 4))
        (scores if isinstance(scores, torch.Tensor) else scores[0]).sum().backward()
        optimizer.step()

    assert outside.changed() == ("", {})


@pytest.mark.parametrize(
    "value", [7, -0.0, 2**70, "ü", True, [1, [2.5, None]], {"b": 1, "a": {"c": []}}, torch.arange(6.0).view(2, 3).T]
)
def test_a_value_is_restored_as_it_was(value):
    model, other = Keeps(), Keeps()
    outside, target = Outside(model, Keeps), Outside(other, Keeps)
    model.kept = value

    target.restore(*outside.changed())

    assert type(other.kept) is type(value)
    assert repr(other.kept) == repr(value)
    if isinstance(value, torch.Tensor):
        assert other.kept.stride() == value.stride()


def test_a_change_back_to_what_was_built_needs_nothing():
    model = Keeps()
    outside = Outside(model, Keeps)

    model.kept = 3
    assert outside.changed()[0]
    model.kept = None

    assert outside.changed() == ("", {})
