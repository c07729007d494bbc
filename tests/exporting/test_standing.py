"""Which network's text is given away: one that needs no file of its author."""

import pytest

from suite.exporting.standing import network_text
from suite.recipe import registry

START = """from suite.recipe import Recipe
{imports}

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=1)
WIDTH = 10


def network():
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, {width}))
"""


@pytest.fixture
def text_of(tmp_path):
    """The text of an experiment with these imports, and this width, written into a folder beside another file."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sizes_of_mine.py").write_text("from suite.recipe import Recipe\n\nWIDTH = 10\n")

    def give(imports="", width="WIDTH", name="mine"):
        (tmp_path / "own" / f"{name}.py").write_text(START.format(imports=imports, width=width))
        return network_text(registry.load([tmp_path / "own"]).choose([name])[0])

    return give


def test_the_text_has_what_the_network_uses_and_nothing_of_the_suite(text_of):
    text = text_of(
        "import math\nfrom safetensors.torch import load_file", "WIDTH + math.floor(0.5) if load_file else 0"
    )

    made = {}
    exec(text, made)
    assert made["network"]()[1].out_features == 10
    assert "suite.recipe" not in text


def test_a_network_under_another_name_is_found_by_its_usual_one(tmp_path):
    (tmp_path / "made.py").write_text(START.format(imports="", width="WIDTH").replace("network", "build"))
    (tmp_path / "made.py").write_text((tmp_path / "made.py").read_text() + "\n\nnetwork = build\n")

    text = network_text(registry.load([tmp_path]).choose(["made"])[0])

    assert text.endswith("\nnetwork = build\n")


@pytest.mark.parametrize(
    ("imports", "width"),
    [
        ("", "recipe.classes"),
        ("import suite", "len(suite.__name__) * 2"),
        ("import sizes_of_mine", "sizes_of_mine.WIDTH"),
        ("from tests.test_style import pytest", "10 if pytest else 0"),
    ],
)
def test_a_text_that_needs_a_file_of_its_author_does_not_stand_alone(text_of, monkeypatch, tmp_path, imports, width):
    monkeypatch.syspath_prepend(tmp_path / "own")

    assert text_of(imports, width) == ""


def test_all_networks_of_ours_stand_alone():
    texts = {one.name: network_text(one) for one in registry.load([]).choose(["all"])}

    assert all(texts.values()), texts
