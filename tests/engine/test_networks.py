"""Networks that people bring: each trains, resumes and is described, or is refused in one line that names its file."""

import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from suite.benching.loops import usual
from suite.data import Data
from suite.data.dataset import GREY
from suite.engine import layers as table
from suite.engine.build import build_model
from suite.engine.events import EpochEnded
from suite.engine.layers import describe
from suite.engine.rewrite import ChannelsLast, rewrite
from suite.engine.train import train
from suite.engine.trial import train_trial
from suite.errors import SuiteError
from suite.recipe.trial import Budget

pytestmark = pytest.mark.slow

OUTSIDE = nn.Linear(784, 10)


class Net(nn.Module):
    """Any forward around a linear layer `out`."""

    def __init__(self, forward, inputs=784, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.out = nn.Linear(inputs, 10)
        self._way = (forward,)

    def forward(self, images):
        return self._way[0](self, images)


@dataclass
class Answer:
    scores: torch.Tensor


class Wrapping(nn.Module):
    """A layer that answers with some other object around its tensor, and takes keywords alone."""

    def __init__(self, wrap):
        super().__init__()
        self.wrap = wrap

    def forward(self, *, images):
        return self.wrap(images)


def rows(images):
    return images.squeeze(1)


def lstm(self, images):
    return self.out(self.rnn(rows(images))[0][:, -1])


def gru_by_keyword(self, images):
    return self.out(self.rnn(input=rows(images).transpose(0, 1))[1][-1])


def attend(self, images):
    tokens = self.embed(rows(images)) + self.place
    return self.out(self.attention(tokens, tokens, tokens)[0].mean(1))


def cells(self, images):
    hidden = torch.zeros(len(images), 16)
    for row in rows(images).unbind(1):
        hidden = self.cell(row, hidden)
    return self.out(hidden)


def tied():
    first, second = nn.Linear(28, 28, bias=False), nn.Linear(28, 28)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second, nn.Flatten(), nn.Linear(784, 10))


def counting(self, images):
    self.passes = getattr(self, "passes", 0) + 1
    return self.out(images.flatten(1))


def caching(self, images):
    if not hasattr(self, "scale"):
        self.scale = torch.ones(10)
    return self.out(images.flatten(1)) * self.scale


def wrapped(wrap, take):
    return lambda: Net(lambda self, images: self.out(take(self.one(images=images.flatten(1)))), one=Wrapping(wrap))


def not_contiguous():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    net[1].weight = nn.Parameter(torch.randn(784, 10).mul_(0.01).t())
    return net


def lazy():
    return nn.Sequential(
        nn.LazyConv2d(4, 5), nn.LazyBatchNorm2d(), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.LazyLinear(10)
    )


def eager():
    return nn.Sequential(
        nn.Conv2d(1, 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(144, 10)
    )


def normed(norm):
    return lambda: nn.Sequential(nn.Flatten(), norm(nn.Linear(784, 10)))


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls it outdated
        return torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))


TRAINED = {
    "LSTM": lambda: Net(lstm, 16, rnn=nn.LSTM(28, 16, batch_first=True)),
    "GRU called by keyword": lambda: Net(gru_by_keyword, 16, rnn=nn.GRU(28, 16)),
    "cells": lambda: Net(cells, 16, cell=nn.GRUCell(28, 16)),
    "attention": lambda: Net(
        attend, 16, embed=nn.Linear(28, 16), place=nn.Parameter(torch.zeros(28, 16)),
        attention=nn.MultiheadAttention(16, 2, batch_first=True),
    ),
    "transformer": lambda: Net(
        lambda self, images: self.out(self.body(rows(images)).mean(1)), 28,
        body=nn.TransformerEncoderLayer(28, 2, 16, batch_first=True),
    ),
    "lazy": lazy,
    "tied": tied,
    "counting": lambda: Net(counting),
    "caching": lambda: Net(caching),
    "tuple": wrapped(lambda one: (one, None), lambda given: given[0]),
    "dict": wrapped(lambda one: {"a": one}, lambda given: given["a"]),
    "dataclass": wrapped(Answer, lambda given: given.scores),
    "object": wrapped(lambda one: SimpleNamespace(a=one), lambda given: given.a),
    "softmax": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Softmax(1)),
    "float64": lambda: Net(lambda self, images: self.out(images.flatten(1)).double()),
    "bfloat16": lambda: Net(lambda self, images: self.out(images.flatten(1)).bfloat16()),
    "view": lambda: Net(lambda self, images: self.out(images.flatten(1)).unsqueeze(1).expand(-1, 1, 10)[:, 0]),
    "complex": lambda: Net(
        lambda self, images: self.turn(images.flatten(1).to(torch.complex64)).abs(),
        turn=nn.Linear(784, 10, dtype=torch.complex64),
    ),
    "spectral norm": normed(parametrizations.spectral_norm),
    "weight norm": normed(parametrizations.weight_norm),
    "compiled": lambda: torch.compile(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), backend="eager"),
    "scripted": scripted,
    "not contiguous": not_contiguous,
    "a generator that cannot be copied": lambda: Net(
        lambda self, images: self.out(images.flatten(1)), chance=torch.Generator()
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def few(digits: Data) -> Data:
    """Few of the digits, so that many networks can be trained."""
    every = digits.train_images, digits.train_labels, digits.test_images, digits.test_labels
    return Data(*(tensor[:200] for tensor in every))


@pytest.mark.parametrize("name", TRAINED)
def test_a_network_trains_resumes_to_the_same_bits_and_is_described(name, experiment, run_of, few):
    small = experiment(network=TRAINED[name], epochs=2)
    unbroken, broken = run_of(small, under="unbroken"), run_of(small, under="broken")

    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with unbroken.claim(), broken.claim():
        expected = train(unbroken, small, few, lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            train(broken, small, few, stop)
        found = train(broken, small, few, lambda _: None)

    assert found["weights_sha256"] == expected["weights_sha256"]
    assert found["predictions_sha256"] == expected["predictions_sha256"]
    network = found["network"]
    assert sum(layer["parameters"] for layer in network["layers"]) == network["parameters"] > 0


def mute():
    return Net(lambda self, images: self.out(images.flatten(1)).detach())


def frozen():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).requires_grad_(False)


class Extra(nn.Linear):
    def get_extra_state(self):
        return {"a": 1}

    def set_extra_state(self, state):
        """Nothing."""


def one_tensor_in_evaluation():
    return Net(lambda self, x: (self.out(x.flatten(1)),) if self.training else self.out(x.flatten(1)))


class Needing(nn.Linear):
    def forward(self, images, more):
        return super().forward(images + more)


REFUSED = {
    "nothing": (lambda: None, "network() must return a torch.nn.Module, got None"),
    "a class": (lambda: nn.Linear, "network() must return a torch.nn.Module, got <class"),
    "a tuple of scores": (lambda: Net(lambda self, images: (self.out(images.flatten(1)),)), "returns a tuple, not one"),
    "nine classes": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 9)), "to (2, 9), not to (2, 10)"),
    "more axes": (lambda: nn.Linear(28, 10), "to (2, 1, 28, 10), not to (2, 10)"),
    "whole numbers": (lambda: Net(lambda self, images: self.out(images.flatten(1)).long()), "scores of type int64"),
    "no parameters": (lambda: nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(10)), "has no parameter to train."),
    "all frozen": (frozen, "no parameter to train: its 7,850 parameters are frozen"),
    "made at import": (lambda: nn.Sequential(nn.Flatten(), OUTSIDE), "layers of OUTSIDE are made before the seed"),
    "extra state": (lambda: nn.Sequential(nn.Flatten(), Extra(784, 10)), "1._extra_state of the network is a dict"),
    "an idle lazy layer": (lambda: Net(counting, more=nn.LazyLinear(3)), "the size of more.weight is unknown"),
    "more arguments": (lambda: Needing(28, 10), "TypeError"),
    "another size": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(700, 10)), "RuntimeError: "),
    "an error": (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_cannot_be_trained_is_refused_in_one_line_that_names_its_file(name, experiment):
    network, words = REFUSED[name]

    with pytest.raises(SuiteError) as refused:
        build_model(experiment().recipe, network, seed=0)

    assert words in str(refused.value)
    assert str(refused.value).startswith(__file__)
    assert refused.value.code == 2


def test_an_error_in_a_network_names_its_line(experiment):
    with pytest.raises(SuiteError, match=r"test_networks\.py:\d+: network: ZeroDivisionError"):
        build_model(experiment().recipe, REFUSED["an error"][0], seed=0)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (mute, "do not depend on any parameter that is trained"),
        (one_tensor_in_evaluation, "returns a tuple in training"),
    ],
)
def test_scores_that_cannot_be_trained_are_refused_at_the_first_step(network, words, experiment, run_of, few):
    small = experiment(network=network)
    run = run_of(small)

    with run.claim(), pytest.raises(SuiteError, match=f"small.py: .*{words}"):
        train(run, small, few, lambda _: None)


def test_the_look_at_a_network_leaves_no_trace(experiment):
    model = build_model(experiment().recipe, TRAINED["counting"], seed=0)

    assert not hasattr(model, "passes")
    assert not hasattr(build_model(experiment().recipe, TRAINED["caching"], seed=0), "scale")
    assert model.training


def test_lazy_layers_have_the_weights_of_the_same_layers_with_sizes(experiment):
    recipe = experiment().recipe
    found, expected = (build_model(recipe, one, seed=3) for one in (lazy, eager))
    torch.rand(5)
    again = build_model(recipe, lazy, seed=3)

    for model in (found, again):
        assert list(model.state_dict()) == list(expected.state_dict())
        assert all(map(torch.equal, model.state_dict().values(), expected.state_dict().values()))
    assert type(rewrite(found)[0]) is ChannelsLast
    assert [type(layer) for layer in found] == [type(layer) for layer in expected]


def test_lazy_layers_can_be_drawn_from_a_normal_distribution_and_timed_beside_other_loops(experiment):
    small = experiment(network=lazy, init_std=0.5)

    assert build_model(small.recipe, lazy, seed=0)[5].weight.std().item() == pytest.approx(0.5, rel=0.1)
    assert usual(small)[0](torch.zeros(2, 1, 28, 28)).requires_grad


def test_lazy_layers_train_as_a_trial_in_parts_as_at_once(experiment, run_of, few):
    small, budget = experiment(network=lazy), Budget("samples", 2)
    parts, whole = run_of(small, under="parts"), run_of(small, under="whole")

    with parts.claim(), whole.claim():
        for run, portions in ((parts, (0.5, 1.0)), (whole, (1.0,))):
            for portion in portions:
                train_trial(run, small, (few.train_images, few.train_labels), budget, portion, lambda _: None)

    assert [line["val_loss"] for line in parts.history()] == [line["val_loss"] for line in whole.history()]


def described(name):
    return {layer["name"]: layer for layer in describe(TRAINED[name](), GREY)["layers"]}


def test_a_recurrent_layer_has_the_shape_of_its_first_output_and_its_macs():
    steps, gates = 28, 4 * 16

    assert described("LSTM")["rnn"]["shape"] == (28, 16)
    assert described("LSTM")["rnn"]["macs"] == steps * gates * (28 + 16)
    assert described("GRU called by keyword")["rnn"]["shape"] == (28, 16)


def test_calls_of_one_layer_are_one_row_with_the_macs_of_all():
    cell = described("cells")["cell"]

    assert cell["kind"] == "GRUCell(28, 16), called 28 times"
    assert cell["macs"] == 28 * 3 * 16 * (28 + 16)


def test_what_is_not_known_of_a_layer_is_none():
    found = described("attention")

    assert (found["attention"]["shape"], found["attention"]["macs"]) == ((28, 16), None)
    assert found[""]["kind"] == "Net, parameters outside of layers"
    assert (found[""]["shape"], found[""]["parameters"], found[""]["macs"]) == (None, 28 * 16, None)
    assert described("object")["one"]["shape"] is None


def test_a_layer_that_is_never_called_is_in_the_table():
    model = Net(counting, idle=nn.Linear(3, 3), shared=nn.ReLU())

    assert {row.name: row.kind.partition("), ")[2] for row in table.layers(model, GREY)} == {
        "out": "", "idle": "not seen in a pass",
    }  # fmt: skip


class Rude(nn.Linear):
    """A layer that raises wherever it is described."""

    def extra_repr(self):
        raise RuntimeError


def test_a_network_that_cannot_be_run_or_printed_is_described_all_the_same():
    found = describe(nn.Sequential(nn.Flatten(), Rude(784, 10), nn.Linear(9, 9)), GREY)

    assert [(row["kind"].partition("(")[0], row["shape"], row["macs"]) for row in found["layers"]] == [
        ("Flatten", (784,), 0), ("Rude", (10,), 7840), ("Linear", None, None),
    ]  # fmt: skip
    assert found["parameters"] == 7850 + 90


def test_a_table_has_a_limit_and_the_rest_is_summed_up(monkeypatch):
    monkeypatch.setattr(table, "MOST", 3)
    found = describe(nn.Sequential(nn.Flatten(), *(nn.Linear(784, 784, bias=False) for _ in range(4))), GREY)

    assert [row["kind"].partition("(")[0] for row in found["layers"]] == ["Flatten", "Linear", "3 more rows"]
    assert found["macs"] == 4 * 784 * 784
    assert found["layers"][2]["parameters"] == 3 * 784 * 784
