"""README.md of an export: a model card as Hugging Face's Hub reads it."""

import json
from collections.abc import Mapping
from typing import Any

from suite.data.catalog import CATALOG, data_set
from suite.data.dataset import DataSet
from suite.exporting.config import Trained
from suite.exporting.reloading import Compared
from suite.exporting.worker import GRAPH
from suite.recipe.registry import OURS
from suite.text import clean, plural

LOADING = """## Load it

    pip install {libraries}
    python load.py images.npy scores.npy

In Python, in this folder:

```python
from load import load

scores = load()(images)  # an array uint8 (n, channels, height, width)
```"""
CHECKED = """## Checked

Before this folder was written, `load.py` computed the scores of all {images:,} test images in a process without the
suite. The largest difference from the confidence that the run had stored is {largest:.2g}, and {flipped} got another
class."""
LIBRARIES = {"safetensors": "torch numpy safetensors", "pt2": "torch numpy", "onnx": "onnxruntime numpy"}


def card(trained: Trained, facts: Mapping[str, Any], checked: Compared) -> str:
    """The card of an export with the `facts` of its config.json, and the result of its check."""
    data = data_set(trained.experiment.recipe.data)
    what = (
        f"{facts['experiment']}, a network of {facts['parameters']:,} parameters that gives images of {data.title} "
        f"one of {facts['num_labels']} classes."
    )
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in _rows(trained, facts, data))])
    parts = [
        f"# {trained.name}",
        what,
        table,
        f"Classes: {', '.join(facts['id2label'].values())}.",
        LOADING.format(libraries=LIBRARIES[facts["format"]]),
        _contents(facts),
        CHECKED.format(images=checked.images, largest=checked.largest, flipped=plural(checked.flipped, "image")),
    ]
    return _front(trained, facts, data) + "\n\n".join(clean(part) for part in parts) + "\n"


def _rows(trained: Trained, facts: Mapping[str, Any], data: DataSet) -> list[tuple[str, str]]:
    return [
        ("input", f"bytes, uint8 (n, {', '.join(map(str, facts['shape']))}), as in the data set's files"),
        ("output", f"scores, float32 (n, {facts['num_labels']}); the largest is the predicted class"),
        ("inside", f"divided by 255{_normalised(facts)}"),
        ("trained on", f"{data.title}, {data.train:,} images"),
        ("this run", f"test accuracy {facts['test_accuracy']:.4f}, {facts['test_images']:,} images, "
                     f"seed {facts['seed']}"),
        ("its recipe", _seeds(facts["seeds"])),
        ("licence of the data", data.licence or "not recorded: these are the author's own"),
        ("licence of the network's code", _licence(trained)[1]),
        ("weights, SHA-256", f"`{facts['weights_sha256']}`"),
        ("recipe, SHA-256", f"`{facts['identity']}`"),
    ]  # fmt: skip


def _front(trained: Trained, facts: Mapping[str, Any], data: DataSet) -> str:
    """The card's metadata. A text of JSON is a text of YAML too, whatever letters it has."""
    seeds = facts["seeds"]
    lines = [
        f"license: {_licence(trained)[0]}",
        "pipeline_tag: image-classification",
        f"library_name: {'onnx' if facts['format'] == 'onnx' else 'pytorch'}",
        f"tags: {json.dumps(['image-classification', facts['format'], 'suite'])}",
        *([f"datasets: {json.dumps([data.name])}"] if data.name in CATALOG else []),
        'metrics: ["accuracy"]',
        "model-index:",
        f"- name: {_text(trained.name)}",
        "  results:",
        '  - task: {"type": "image-classification"}',
        f'    dataset: {{"name": {_text(data.title)}, "type": {_text(data.name)}, "split": "test"}}',
        "    metrics:",
        f'    - {{"type": "accuracy", "value": {facts["test_accuracy"]}, "name": "this run, seed {facts["seed"]}"}}',
        f'    - {{"type": "accuracy", "value": {seeds["mean"]}, "name": {_text(_seeds(seeds))}}}',
    ]
    return "\n".join(["---", *lines, "---", "", ""])


def _text(words: str) -> str:
    return json.dumps(clean(words), ensure_ascii=False)


def _seeds(seeds: Mapping[str, Any]) -> str:
    mean = f"mean test accuracy {seeds['mean']:.4f} of {plural(seeds['n'], 'seed')}"
    if not seeds["interval"]:
        return f"{mean}, too few for an interval"
    low, high = seeds["interval"]
    return f"{mean}, 95 % interval {low:.4f} to {high:.4f}"


def _normalised(facts: Mapping[str, Any]) -> str:
    if not facts["normalize"]:
        return ""
    mean, deviation = facts["normalize"]
    return f", then minus {mean} and divided by {deviation}"


def _licence(trained: Trained) -> tuple[str, str]:
    """The licence as the Hub names it, and in words."""
    if trained.experiment.path.parent == OURS:
        return "mit", "MIT, as the suite"
    return "unknown", "not recorded: its author may state one"


def _contents(facts: Mapping[str, Any]) -> str:
    """What the files are."""
    if facts["format"] != "safetensors":
        whole = f"`{facts['model']}` is the whole program: scaling, normalisation and network."
        return f"{whole} torch {facts['export_torch_version']} wrote it; an older one may not read it."
    if facts["network"] == GRAPH:
        return (f"`model.safetensors` has the weights, `{GRAPH}` the network as a graph of torch.export: its text uses "
                "files that are not here.")  # fmt: skip
    return ("`model.safetensors` has the weights, `network.py` the network's program text: look at it before you run "
            "it. `config.json` has the constants of scaling and normalisation.")  # fmt: skip
