"""The text of a network for one data set: that of its own data is the text it had before it took others."""

import ast
from dataclasses import replace

import pytest
import torch

from suite.data.catalog import CATALOG
from suite.data.dataset import DataSet
from suite.recipe import registry
from suite.recipe.specialised import specialised
from tests import synthetic
from tests.synthetic import COLOUR

NAMES = sorted(registry.load().experiments)
KNOWN = {
    "an item": ("shape, classes", "f(shape[0], classes)", "", "f(3, 7)"),
    "a sum": ("shape", "f(2 * (shape[1] // 4) - shape[2] + 1)", "", "f(-11)"),
    "all of them": ("shape", "f(shape, shape[1:], shape[-1])", "", "f((3, 16, 20), (3, 16, 20)[1:], (3, 16, 20)[-1])"),
    "defaults": ("shape=(1, 28, 28), classes=10", "f(classes)", "", "f(7)"),
    "others": ("width=8, shape=None, *, deep=2, classes=1", "f(width, deep)", "width=8, *, deep=2", "f(width, deep)"),
    "no default before one": ("shape, width=8", "f(shape[0], width)", "width=8", "f(3, width)"),
    "by zero": ("classes", "f(classes // 0)", "", "f(7 // 0)"),
    "other sums": ("classes", "f(classes / 2, 2 ** classes, 1.5 * classes)", "", "f(7 / 2, 2 ** 7, 1.5 * 7)"),
    "inside": ("classes", "f(lambda x: x + classes, [classes for _ in x])", "", "f(lambda x: x + 7, [7 for _ in x])"),
    "by keyword": ("classes", "f(classes=classes)", "", "f(classes=7)"),
}  # fmt: skip
KEPT = {
    "no argument": ("", "return f(28 * 28, 10 - 3)"),
    "another one": ("width=28 * 28", "return f(width)"),
    "bound": ("classes", "classes = classes + 1\n    return f(classes)"),
    "bound by walrus": ("classes", "return f((classes := 3))"),
    "bound in a loop": ("shape", "return [shape for shape in (1, 2)]"),
    "bound in a lambda": ("shape", "return lambda shape: shape"),
    "bound by an import": ("shape", "from numpy import shape\n    return shape"),
    "bound by a function": ("shape", "def shape():\n        return 1\n    return shape"),
    "of another function": ("classes", "return classes", "other"),
}


def function(arguments, body, name="network"):
    return ast.unparse(ast.parse(f"def {name}({arguments}):\n    {body}"))


@pytest.mark.parametrize("case", KNOWN)
def test_the_values_stand_for_the_arguments(case):
    arguments, body, left, expected = KNOWN[case]

    found = specialised(function(arguments, f"return {body}"), COLOUR, 7)

    assert found == function(left, f"return {expected}")


@pytest.mark.parametrize("case", KEPT)
def test_any_other_text_is_kept(case):
    text = function(*KEPT[case])

    assert specialised(text, COLOUR, 7) == text


def test_what_stands_beside_the_network_is_kept():
    beside = "SIZE = 4 * 4\n\ndef helper(classes):\n    return classes"

    found = specialised(f"{beside}\n\ndef network(classes):\n    return helper(classes)", COLOUR, 7)

    assert found == f"{beside}\n\ndef network():\n    return helper(7)"


@pytest.fixture
def colour(monkeypatch):
    files = dict.fromkeys(CATALOG["digits"].sha256, "0" * 64)
    monkeypatch.setitem(CATALOG, "colour", DataSet("colour", "Colour", synthetic.names(7), 70, 14, files, (3, 32, 36)))


@pytest.mark.slow
@pytest.mark.usefixtures("colour")
@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_takes_other_data_as_its_text_for_them_says(name):
    from suite.engine.build import build_model

    experiment = registry.load().experiments[name].changed({"data": "colour"})
    model = build_model(experiment.recipe, experiment.network, seed=0)
    names: dict[str, object] = {"__file__": __file__}
    exec(compile(experiment.trained_text, __file__, "exec"), names)

    without_source = replace(experiment.recipe, source=None)  # it knows the size for its own data
    again = build_model(without_source, names["network"], seed=0)

    assert model.eval()(torch.rand(2, 3, 32, 36)).shape == (2, 7)
    assert "shape" not in experiment.trained_text
    assert all(torch.equal(one, again.state_dict()[key]) for key, one in model.state_dict().items())
    assert experiment.identity != registry.load().experiments[name].identity
