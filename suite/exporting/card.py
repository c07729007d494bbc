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

LIBRARIES = {"safetensors": "torch numpy safetensors", "pt2": "torch numpy", "onnx": "onnxruntime numpy"}


def card(trained: Trained, facts: Mapping[str, Any], checked: Compared) -> str:
    """The card of an export with the `facts` of its config.json, and the result of its check."""
    data = data_set(trained.experiment.recipe.data)
    return _front(trained, facts, data) + "\n".join(
        [
            f"# {trained.name}",
            "",
            f"{facts['experiment']}, a network of {facts['parameters']:,} parameters that gives images of {data.title} "
            f"one of {facts['num_labels']} classes.",
            "",
            "| | |",
            "|---|---|",
            f"| input | bytes, uint8 (n, {', '.join(map(str, facts['shape']))}), as in the data set's files |",
            f"| output | scores, float32 (n, {facts['num_labels']}); the largest is the predicted class |",
            f"| inside | divided by 255{_normalised(facts)} |",
            f"| trained on | {data.title}, {data.train:,} images |",
            f"| this run | test accuracy {facts['test_accuracy']:.4f}, {facts['test_images']:,} images, "
            f"seed {facts['seed']} |",
            f"| its recipe | {_seeds(facts['seeds'])} |",
            f"| licence of the data | {data.licence or 'not recorded: it is the exporter’s own data'} |",
            f"| licence of the network's code | {_licence(trained)[1]} |",
            f"| weights, SHA-256 | `{facts['weights_sha256']}` |",
            f"| recipe, SHA-256 | `{facts['identity']}` |",
            "",
            f"Classes: {', '.join(facts['id2label'].values())}.",
            "",
            "## Load it",
            "",
            f"    pip install {LIBRARIES[facts['format']]}",
            "    python load.py images.npy scores.npy",
            "",
            "In Python, in this folder:",
            "",
            "```python",
            "from load import load",
            "",
            "scores = load()(images)  # an array uint8 (n, channels, height, width)",
            "```",
            "",
            _contents(facts),
            "",
            "## Checked",
            "",
            f"Before this folder was written, `load.py` computed the scores of all {checked.images:,} test images in a "
            f"process without the suite. The largest difference from the confidence that the run had stored is "
            f"{checked.largest:.2g}, and {plural(checked.flipped, 'image')} got another class.",
            "",
        ]
    )


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
        return f"`{facts['model']}` is the whole program: scaling, normalisation and network."
    if facts["network"] == GRAPH:
        return (f"`model.safetensors` has the weights, `{GRAPH}` the network as a graph of torch.export: its text uses "
                "files that are not here.")  # fmt: skip
    return ("`model.safetensors` has the weights, `network.py` the network's program text: look at it before you run "
            "it. `config.json` has the constants of scaling and normalisation.")  # fmt: skip
