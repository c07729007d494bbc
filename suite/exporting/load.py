"""Loads the network of this folder: bytes in, scores out. It needs none of the program that trained the network.

Images are uint8 (n, channels, height, width), as they are in the data set's files; scores are float32 (n, classes).
Scaling and normalisation are done here or inside the model's file.

    python load.py images.npy scores.npy      the scores of images in NumPy's format

In Python, in this folder:

    from load import load
    scores = load()(images)

It needs NumPy, and torch with safetensors for model.safetensors, torch for model.pt2, onnxruntime for model.onnx.
A network.py is a program: look at it before you run it.
"""

import json
import random
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TOGETHER = 1_000  # images in one batch

Scores = Callable[[Any], Any]  # of an array of images, as an array


def load(folder: Path = HERE) -> Scores:
    """A function that maps images, an array uint8 (n, channels, height, width), to scores float32 (n, classes)."""
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    of_batch = {"safetensors": _safetensors, "pt2": _pt2, "onnx": _onnx}[facts["format"]](folder, facts)
    return lambda images: np.concatenate(
        [of_batch(np.array(images[at : at + TOGETHER])) for at in range(0, len(images), TOGETHER)]
    )


def _safetensors(folder: Path, facts: Any) -> Scores:
    """The network that network.py makes, or the graph in network.pt2, with the weights in model.safetensors."""
    import torch
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    if facts["network"] == "network.pt2":
        graph = torch.export.load(folder / "network.pt2").module()
        graph.load_state_dict({f"network.{name}": values for name, values in weights.items()})
        return _of_torch(graph)
    network = _made(folder / "network.py", facts)
    network.load_state_dict(weights)
    network.eval()

    def scores(images: Any) -> Any:
        pixels = images.float() / 255
        if facts["normalize"]:
            mean, deviation = facts["normalize"]
            pixels = (pixels - mean) / deviation
        return network(pixels).float()

    return _of_torch(scores)


def _made(path: Path, facts: Any) -> Any:
    """The network as its file makes it, from the same random numbers as in the run."""
    import torch

    spec = spec_from_file_location("network", path)
    assert spec is not None
    assert spec.loader is not None  # it was found by its path
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    random.seed(facts["init_seed"])
    np.random.seed(facts["init_seed"] % 2**32)
    torch.manual_seed(facts["init_seed"])
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in facts["arguments"].items()}
    network = module.network(**arguments).eval()
    if any(map(torch.nn.parameter.is_lazy, chain(network.parameters(), network.buffers()))):
        with torch.no_grad():
            network(torch.zeros(2, *facts["shape"]))  # gives the lazy layers their sizes
    return network


def _pt2(folder: Path, facts: Any) -> Scores:
    import torch

    return _of_torch(torch.export.load(folder / facts["model"]).module())


def _of_torch(network: Any) -> Scores:
    import torch

    def scores(images: Any) -> Any:
        with torch.no_grad():
            return network(torch.from_numpy(images)).numpy()

    return scores


def _onnx(folder: Path, facts: Any) -> Scores:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / facts["model"], providers=["CPUExecutionProvider"])
    return lambda images: session.run(["scores"], {"images": images})[0]


if __name__ == "__main__":
    np.save(sys.argv[2], load()(np.load(sys.argv[1], mmap_mode="r", allow_pickle=False)))
