"""config.json of an export: what the model is, what it was trained on, how good its recipe is, and what was checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from suite import __version__
from suite.analysis.intervals import SeedGroup
from suite.data.catalog import data_set
from suite.disk.documents import Result
from suite.disk.journal import Run
from suite.exporting.worker import GRAPH, NETWORK
from suite.recipe.arguments import GIVEN
from suite.recipe.experiment import Experiment
from suite.runs.naming import name_of

LATER = ("check", "files", "init_seed", "export_torch_version")  # what is known only when the files are written


@dataclass(frozen=True)
class Trained:
    """A finished run with its experiment and the test accuracies of all seeds of its recipe in this home."""

    run: Run
    experiment: Experiment
    seeds: SeedGroup

    @property
    def name(self) -> str:
        """The run's name, such as `lenet-s0`."""
        return name_of(self.run.folder)

    @property
    def result(self) -> Result:
        """What the run's folder says of its end."""
        found = self.run.result()
        assert found is not None  # only finished runs are exported
        return found


def config(trained: Trained, kind: str, network_text: str) -> dict[str, Any]:
    """The facts of an export of this format, in Hugging Face's names where it has one; all but those of `LATER`."""
    run, recipe = trained.run, trained.experiment.recipe
    result, data = trained.result, data_set(recipe.data)
    facts = {
        "architectures": [run.experiment],
        "format": kind,
        "model": f"model.{kind}",
        "shape": list(recipe.shape),
        "scale": 255,
        "normalize": list(recipe.normalize) if recipe.normalize else None,
        "num_labels": recipe.classes,
        "id2label": {str(number): name for number, name in enumerate(data.classes)},
        "label2id": {name: number for number, name in enumerate(data.classes)},
        "layers": result["network"]["layers"],
        "parameters": result["network"]["parameters"],
        "experiment": run.experiment,
        "seed": run.seed,
        "recipe": run.recipe()["recipe"],
        "identity": run.identity,
        "data_sha256": data.digest,
        "weights_sha256": result["weights_sha256"],
        "suite_version": __version__,
        "torch_version": result["environment"]["torch"],
        "test_images": result["metrics"]["test/images"],
        "test_accuracy": result["metrics"]["test/accuracy"],
        "seeds": _over_seeds(trained.seeds),
    }
    if kind == "safetensors":
        facts |= {"network": NETWORK if network_text else GRAPH, "arguments": _arguments(trained.experiment)}
    return facts


def same(facts: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether an export that is `there` is of the same run, format and figures as these facts."""
    known = {name: value for name, value in there.items() if name not in LATER}
    return bool(known == json.loads(json.dumps(facts)))


def _arguments(experiment: Experiment) -> dict[str, Any]:
    """What `network` is called with."""
    recipe, names = experiment.recipe, signature(experiment.network).parameters
    given = dict(zip(GIVEN["network"], (list(recipe.shape), recipe.classes), strict=True))
    values = {**given, **recipe.arguments}  # those of the file's other functions are among them
    return {name: values[name] for name in names if name in values}


def _over_seeds(seeds: SeedGroup) -> dict[str, Any]:
    interval = seeds.interval
    return {
        "n": seeds.n,
        "mean": seeds.mean,
        "interval": [interval.low, interval.high] if interval else None,
    }
