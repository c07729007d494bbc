"""The model card: its metadata is YAML whatever the names are, and it claims no interval that there is none of."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from suite.analysis.intervals import group
from suite.exporting.card import card
from suite.exporting.config import _over_seeds
from suite.exporting.reloading import Compared
from suite.recipe import registry

CHECKED = Compared(10_000, 1.2e-7, 1)


@pytest.fixture
def written():
    """The metadata and the text of a card for an export of `lenet` with these facts."""
    experiment = registry.load([]).choose(["lenet"])[0]

    def give(accuracies=(0.8, 0.9, 0.85), name="lenet-s0", path=experiment.path, **changed):
        facts = {
            "experiment": "lenet", "parameters": 44_426, "num_labels": 2, "format": "safetensors",
            "network": "network.py", "shape": [1, 28, 28], "normalize": None, "test_accuracy": 0.8,
            "test_images": 10_000, "seed": 0, "weights_sha256": "a" * 64, "identity": "b" * 64,
            "id2label": {"0": "Bag", "1": "Shirt"}, "seeds": _over_seeds(group(accuracies)), **changed,
        }  # fmt: skip
        trained = SimpleNamespace(name=name, experiment=SimpleNamespace(path=path, recipe=experiment.recipe))
        _, front, text = card(trained, facts, CHECKED).split("---\n", 2)
        return yaml.safe_load(front), text

    return give


def test_three_seeds_have_an_interval_and_two_have_none(written):
    for accuracies, words in (((0.8, 0.9, 0.85), "95 % interval 0.7258 to 0.9742"), ((0.8, 0.9), "too few for")):
        front, text = written(accuracies)

        [_, over_seeds] = front["model-index"][0]["results"][0]["metrics"]
        assert words in over_seeds["name"]
        assert words in text
        assert over_seeds["value"] == pytest.approx(0.85)


def test_licences_are_those_of_the_data_and_of_whoever_wrote_the_network(written):
    ours, text = written()
    other, others_text = written(path=Path("mine/lenet.py"))

    assert (ours["license"], other["license"]) == ("mit", "unknown")
    assert "| licence of the data | MIT |" in text
    assert "its author may state one" in others_text


def test_odd_names_stay_names(written):
    name = 'a: "b" #c\n- d'

    front, _ = written(name=name)

    assert front["model-index"][0]["name"] == name
    assert front["pipeline_tag"] == "image-classification"


def test_the_check_is_told_with_its_flipped_images(written):
    _, text = written(format="onnx", model="model.onnx", export_torch_version="2.15.0")

    assert "all 10,000 test images" in text
    assert "is 1.2e-07, and 1 image got another" in " ".join(text.split())
    assert "pip install onnxruntime numpy" in text
