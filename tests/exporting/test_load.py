"""The program that goes with each export, here with a folder that is written by hand."""

import json
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from suite.engine.batches import normalised
from suite.engine.build import build_model
from suite.engine.draws import draw
from suite.exporting.folder import PROGRAM
from suite.recipe import Recipe

RECIPE = Recipe(
    data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=1, normalize=(0.13, 0.31)
)
NETWORK = """
import random

import numpy as np
import torch
from torch import nn


class Drawn(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer, self.shift = {layer}, torch.rand(784) * np.random.rand() * random.random()
        self.passes = 0

    def forward(self, images):
        self.passes += 1
        return self.layer(images.flatten(1) + self.shift)


def network(shape, width=10):
    assert shape == (1, 28, 28)
    return Drawn(width)
"""


def module_of(path):
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("layer", ["nn.Linear(784, width)", "nn.LazyLinear(width)"])
def test_a_network_is_made_as_in_its_run_with_all_that_it_drew(tmp_path, layer):
    (tmp_path / "network.py").write_text(NETWORK.format(layer=layer))
    network = build_model(RECIPE, module_of(tmp_path / "network.py").network, 7).eval()
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    facts = {
        "format": "safetensors", "network": "network.py", "arguments": {"shape": [1, 28, 28], "width": 10},
        "init_seed": draw(7, "init", 0), "shape": [1, 28, 28], "normalize": [0.13, 0.31],
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(facts))
    images = np.random.default_rng(0).integers(0, 256, (2_001, 1, 28, 28), dtype=np.uint8)

    scores = module_of(PROGRAM).load(tmp_path)(images)

    with torch.no_grad():
        expected = network(normalised(torch.from_numpy(images), RECIPE)).numpy()
    assert scores.dtype == np.float32
    assert np.allclose(scores, expected, atol=1e-6)
