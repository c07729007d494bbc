"""The graph of a network, and where its steps are drawn."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from suite.inspecting import drawn_graph, passes
from suite.inspecting.drawn_graph import lanes, layout, network
from suite.inspecting.graph import graph
from suite.inspecting.seen import Graph, Node
from suite.pictures import canvas


class Residual(nn.Module):
    """A block with a way around it, and a branch."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.short = (
            nn.Conv2d(1, 4, 3, padding=1),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.Conv2d(1, 4, 1),
        )
        self.last = nn.Linear(256, 5)

    def forward(self, images):
        found = self.second(functional.relu(self.first(images))) + self.short(images)
        return self.last((found + found.mean()).view(images.size(0), -1))


class Free(nn.Module):
    """A parameter in no layer that a function uses, one that nothing uses, and two calls of one layer."""

    def __init__(self):
        super().__init__()
        self.free, self.spare = nn.Parameter(torch.rand(8, 16)), nn.Parameter(torch.rand(3))
        self.mix = nn.Linear(8, 8)

    def forward(self, images):
        return self.mix(self.mix(functional.linear(images.flatten(1), self.free)))


class Wilful(nn.Module):
    """What it does depends on the numbers."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(16, 4), nn.Linear(4, 4)

    def forward(self, images):
        found = self.one(images.flatten(1))
        return self.other(found) if images.sum() > -1 else found


class Recurrent(nn.Module):
    """A layer that returns a tuple."""

    def __init__(self):
        super().__init__()
        self.rows, self.last = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, images):
        found, _ = self.rows(images[:, 0])
        return self.last(found[:, -1])


def seen(model, shape=(1, 8, 8)):
    given = torch.rand(1, *shape)
    with torch.inference_mode():
        return graph(model.eval(), given, passes.called(model, given))


def test_a_residual_network_has_its_ways_around():
    found = seen(Residual())

    kinds = [one.kind for one in found.nodes]
    assert kinds == ["image", "Conv2d 3×3", "relu", "Conv2d 3×3", "Conv2d 1×1", "add", "mean", "add", "view", "Linear"]
    assert [one.shape for one in found.nodes][4:6] == [(4, 8, 8), (4, 8, 8)]
    assert set(found.edges) == {
        (0, 1), (1, 2), (2, 3), (0, 4), (3, 5), (4, 5), (5, 6), (5, 7), (6, 7), (7, 8), (8, 9),
    }  # fmt: skip
    assert [one.parameters for one in found.nodes] == [0, 40, 0, 148, 8, 0, 0, 0, 0, 1285]
    assert (found.traced, found.elsewhere) == (True, 0)


def test_parameters_in_functions_count_shared_ones_once_and_the_rest_is_told():
    found = seen(Free(), (1, 4, 4))

    assert [one.parameters for one in found.nodes] == [0, 0, 128, 72, 0]
    assert found.elsewhere == 3


def test_a_network_that_cannot_be_traced_is_the_order_of_its_calls():
    found = seen(Wilful(), (1, 4, 4))

    assert not found.traced
    assert [(one.kind, one.parameters) for one in found.nodes] == [("image", 0), ("Linear", 68), ("Linear", 20)]
    assert found.edges == [(0, 1), (1, 2)]


def test_a_tuple_is_one_step_and_what_is_taken_out_of_it_none():
    found = seen(Recurrent(), (1, 4, 4))

    assert found.traced
    assert [one.kind for one in found.nodes] == ["image", "getitem", "LSTM", "getitem", "Linear"]
    assert found.edges == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_parametrised_layer_is_one_step():
    model = nn.Sequential(weight_norm(nn.Conv2d(1, 2, 3)), nn.Flatten(), nn.Linear(72, 2))

    assert [one.kind.partition(" ")[0] for one in seen(model).nodes] == [
        "image", "ParametrizedConv2d", "Flatten", "Linear",
    ]  # fmt: skip


def test_the_longest_chain_is_the_first_column_and_a_branch_stands_beside_it():
    edges = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (3, 5), (5, 6)]

    assert layout(7, edges) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (0, 4), (0, 5)]


def test_ways_that_overlap_have_lanes_of_their_own():
    places = [(0, row) for row in range(8)]

    assert lanes([(0, 3), (3, 6), (1, 7)], places) == {(0, 3): 0, (3, 6): 0, (1, 7): 1}


@pytest.mark.parametrize("count", [1, 2, 30])
def test_graphs_of_any_length_are_drawn(count, monkeypatch):
    monkeypatch.setattr(drawn_graph, "MOST", 20)
    nodes = [Node("$a_{b" * 9, None if step % 2 else (), step) for step in range(count)]
    drawn = network("x-s0", Graph(nodes, [(step, step + 1) for step in range(count - 1)], traced=False, elsewhere=3))

    assert canvas.image(drawn, "png").startswith(b"\x89PNG")
