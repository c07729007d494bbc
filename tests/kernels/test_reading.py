"""Which texts of forward functions are read as a graph; all others go by torch, with the reason."""

import functools
import random

import pytest
import torch
from torch import nn
from torch.nn import functional

from suite.engine.way import way_of
from suite.kernels import reading
from suite.kernels.layers import operations
from suite.kernels.reading import Node, graph
from suite.kernels.weights import Unknown
from suite.recipe.registry import load
from tests.kernels.drawn import Residual
from tests.kernels.test_residual import IMAGE, Block, InPlace, Thrice, beside, flat


def kinds(nodes: list[Node]) -> list[tuple[str, tuple[int, ...]]]:
    return [(type(node.layer).__name__, node.inputs) for node in nodes]


def test_a_block_is_read_as_a_graph():
    found = kinds(graph(nn.Sequential(Block(2, 3))))

    assert found == [
        ("Fork", (-1,)), ("Conv2d", (0,)), ("BatchNorm2d", (1,)), ("ReLU", (2,)), ("Conv2d", (3,)),
        ("BatchNorm2d", (4,)), ("Conv2d", (0,)), ("BatchNorm2d", (6,)), ("Sum", (5, 7)), ("ReLU", (8,)),
    ]  # fmt: skip
    assert kinds(graph(nn.Sequential(InPlace(2, 3)))) == found


def test_each_further_user_of_a_value_has_a_fork():
    found = kinds(graph(Thrice()))

    assert found == [
        ("Fork", (-1,)), ("Fork", (0,)), ("Fork", (1,)), ("Conv2d", (0,)), ("Sum", (1, 2)), ("Sum", (3, 4)),
        ("Conv2d", (2,)), ("Sum", (5, 6)),
    ]  # fmt: skip


def test_a_convolution_with_two_users_is_not_pooled():
    model = flat(nn.Conv2d(2, 4, 1), Residual(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.ReLU()), places=24)

    found = [one.kind for one in operations(model, IMAGE)]

    assert found == ["convolution", "fork", "max-pool", "mean-pool", "sum", "relu", "linear"]


class Whole(nn.Module):
    """A network of its own, whose parts are replaced below."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Linear(60, 10)
        self.same, self.flat, self.place = nn.Sequential(), nn.Flatten(), nn.ReLU(inplace=True)
        self.active = True

    def forward(self, images):
        return self.head(self.flat(self.norm(self.conv(images)) + images))


def without(forward, **more) -> nn.Module:
    """The network with another forward function, and other attributes of its class."""
    return type("Other", (Whole,), {"forward": forward, **more})()


def only_in_training(self, images):
    found = self.conv(images)
    if self.training:
        found = self.norm(found)
    return self.head(self.flat(found))


def by_chance(self, images):
    found = self.norm(self.conv(images)) if random.random() < 0.5 else images
    return self.head(self.flat(found))


def scaled(self, images):
    return self.head(self.flat(0.5 * self.norm(self.conv(images)) + images))


def a_number_more(self, images):
    return self.head(self.flat(self.norm(self.conv(images)) + 1))


def a_loop(self, images):
    for layer in (self.conv, self.norm, self.flat, self.head):
        images = layer(images)
    return images


def another_method(self, images):
    return self.head(self.flat(self.norm(self.conv(images.relu()))))


def an_option(self, images):
    return self.head(self.flat(functional.relu(self.norm(self.conv(images)), inplace=True)))


def own_variable(self, images):
    functional = self.norm(self.conv(images))
    return self.head(self.flat(functional.relu(functional)))


def other_arguments(self, images, twice=False):  # noqa: ARG001
    return self.head(self.flat(self.norm(self.conv(images))))


def unused(self, images):
    other = self.norm(self.conv(images))  # noqa: F841
    return self.head(self.flat(images))


def stored(self, images):
    self.kept = self.norm(self.conv(images))
    return self.head(self.flat(self.kept))


def no_return(self, images):
    self.head(self.flat(self.norm(self.conv(images))))


def no_module(self, images):
    return self.head(self.flat(self.active(self.norm(self.conv(images)))))


def changed_elsewhere(self, images):
    found = self.norm(self.conv(images))
    return self.head(self.flat(self.place(found) + found))


def added_in_place(self, images):
    found = self.norm(self.conv(images))
    other = self.same(found)
    other += images
    return self.head(self.flat(other + found))


def changed_under_another_name(self, images):
    found = self.norm(self.conv(images))
    return self.head(self.place(self.flat(found)) + self.flat(found))


def other_shapes(self, images):
    return self.head(self.flat(images)) + self.norm(self.conv(images))


def flattened_from_elsewhere(self, images):
    return self.head(torch.flatten(self.norm(self.conv(images)), 0))


@torch.no_grad()
def decorated(self, images):
    return self.head(self.flat(self.norm(self.conv(images))))


@functools.wraps(Whole.forward)
def wrapped(self, images):
    return 2 * Whole.forward(self, images)


def frozen_norm(self, mode=True):
    nn.Module.train(self, mode)
    self.norm.eval()
    return self


IN_PLACE, METHOD = "a value is changed in place", "Other has a method that is no longer torch's"
FORWARD = {
    only_in_training: "`if self.training:`", by_chance: "if random.random", scaled: r"`0\.5 \*",
    a_number_more: "has `1`", a_loop: "has `for layer in", another_method: r"`images\.relu\(\)`",
    an_option: "inplace=True",
    own_variable: r"`functional\.relu\(functional\)`", other_arguments: "other arguments", unused: "is not used",
    stored: r"`self\.kept =", no_return: r"`self\.head\(", no_module: r"`self\.active\(", changed_elsewhere: IN_PLACE,
    added_in_place: IN_PLACE, changed_under_another_name: IN_PLACE, other_shapes: r"an addition of \(10, 1, 1\) and",
    flattened_from_elsewhere: "flatten", decorated: "has no plain def", wrapped: "has no plain def",
}  # fmt: skip
UNREAD = eval("lambda self, images: self.head(self.flat(self.norm(self.conv(images))))")
LEFT = {
    **{one.__name__: (functools.partial(without, one), why) for one, why in FORWARD.items()},
    "no text": (lambda: without(UNREAD), "has no plain def"),
    "a train method of its own": (lambda: without(Whole.forward, train=frozen_norm), METHOD),
    "a call method of its own": (lambda: without(Whole.forward, __call__=frozen_norm), METHOD),
    "a hidden layer": (lambda: without(Whole.forward, norm=property(lambda self: self.same)), r"`self\.norm\("),
    "a sum of other channels": (lambda: flat(Residual(nn.Conv2d(2, 1, 1), nn.Sequential(), nn.ReLU())), "an addition"),
    "a sum of other sizes": (lambda: flat(beside(nn.MaxPool2d(2))), "an addition"),
    "a block used twice": (lambda: flat(*[Block(2, 2)] * 2), "two layers share weights"),
    "an unknown layer in a block": (lambda: flat(beside(nn.Softplus())), "layer Softplus"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "why"), LEFT.values(), ids=LEFT)
def test_all_else_goes_by_torch_and_says_why(made, why):
    with pytest.raises(Unknown, match=why):
        operations(made(), IMAGE)


CHANGED = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(60, 10)
        self.flat = nn.Flatten()

    def forward(self, images):
        \"\"\"A docstring
        of two lines.\"\"\"
        return self.head(self.flat(images))
"""


@pytest.mark.parametrize("later", [CHANGED.replace("(images))", "(images)) + images"), "\n" * 7 + CHANGED, "", "while"])
def test_a_text_that_has_changed_since_it_was_loaded_is_not_read(tmp_path, later):
    file, names = tmp_path / "net.py", {"__name__": "net"}
    file.write_text(CHANGED)
    exec(compile(CHANGED, str(file), "exec"), names)
    reading._text.cache_clear()
    assert len(operations(names["Net"](), IMAGE)) == 1

    reading._text.cache_clear()
    file.write_text(later)

    with pytest.raises(Unknown, match="whose text is as it was loaded"):
        operations(names["Net"](), IMAGE)


def test_wide_blocks_go_by_torch():
    (chosen,) = load().choose(["resnet8"])
    found = [str(way_of(chosen.recipe, chosen.network((1, 28, 28), 10, width=width))) for width in (16, 44, 45, 64)]

    torch = "torch: most of its work is in convolutions of 89 channels or more"
    assert found == ["kernels", "kernels", torch, torch]


def test_the_network_that_the_others_are_made_of_goes_by_the_kernels():
    found = [one.kind for one in operations(Whole(), IMAGE)]

    assert found == ["fork", "convolution", "normalisation", "sum", "linear"]
