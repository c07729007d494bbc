"""The whole program of a network: what goes into it, what it is as a graph, and which networks have none."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from suite.engine.batches import normalised
from suite.errors import SuiteError
from suite.exporting import program
from suite.exporting.program import Program, traced
from suite.recipe import Recipe

RECIPE = Recipe(
    data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=1, normalize=(0.13, 0.31)
)


class Reversed(nn.Module):
    """A layer whose forward is the given function of the layer and the pixels (n, 784)."""

    def __init__(self, forward):
        super().__init__()
        self.layer, self.how = nn.Linear(784, 10), forward

    def forward(self, images):
        return self.how(self.layer, images.flatten(1))


@pytest.fixture
def images():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (7, 1, 28, 28), dtype=np.uint8))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.Dropout(0.5), nn.BatchNorm1d(20), nn.Linear(20, 10))


def test_the_program_scales_and_normalises_as_an_evaluation_does_to_the_bit(network, images):
    whole = Program(network, RECIPE)

    with torch.no_grad():
        assert torch.equal(whole(images), network.eval()(normalised(images, RECIPE)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pt2", "onnx"])
def test_a_graph_gives_batches_of_any_size_the_same_scores(kind, network, images, tmp_path):
    whole = Program(network, RECIPE)
    graph = traced(whole, RECIPE, tmp_path / "own.py")

    if kind == "pt2":
        loaded = torch.export.load(io.BytesIO(program.pt2(graph))).module()
    else:
        runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
        session = runtime.InferenceSession(program.onnx(graph, RECIPE, tmp_path / "own.py"))

        def loaded(given):
            return torch.from_numpy(session.run(["scores"], {"images": given.numpy()})[0])

    with torch.no_grad():
        for n in (1, 2, 7):
            assert torch.allclose(loaded(images[:n]), whole(images[:n]), atol=1e-6)


def test_an_archive_holds_no_pickle_neither_of_weights_nor_of_constants_nor_of_an_example(tmp_path):
    constant = torch.rand(784)
    whole = Program(Reversed(lambda layer, pixels: layer(pixels + constant)), RECIPE)
    archive = zipfile.ZipFile(io.BytesIO(program.pt2(traced(whole, RECIPE, tmp_path / "own.py"))))

    names = archive.namelist()
    stored = [json.loads(archive.read(name))["config"] for name in names if name.endswith("_config.json")]
    assert [archive.read(name) for name in names if "sample_inputs" in name] == [b""]
    assert [len(one) for one in stored] == [2, 1]
    assert not any(entry["use_pickle"] for one in stored for entry in one.values())


@pytest.mark.parametrize(
    "forward",
    [
        lambda layer, pixels: layer(pixels) if pixels.sum() > 5 else -layer(pixels),
        lambda layer, pixels: layer(pixels) if len(pixels) > 5 else -layer(pixels),
        lambda layer, pixels: torch.from_numpy(layer(pixels).numpy()),
    ],
    ids=["values", "size of the batch", "numpy"],
)
def test_a_network_without_a_graph_is_refused_in_one_line(forward, tmp_path, capfd):
    with pytest.raises(SuiteError, match=r"own\.py: network: torch\.export cannot trace it: ") as refused:
        traced(Program(Reversed(forward), RECIPE), RECIPE, tmp_path / "own.py")

    assert refused.value.code == 2
    assert "\n" not in str(refused.value)
    assert "--format safetensors" in str(refused.value)
    assert capfd.readouterr() == ("", "")
