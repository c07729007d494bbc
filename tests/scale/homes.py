"""Makes the run folders of a large home: a few runs are trained, all others are copies with their own numbers.

Every check that a command makes of a folder passes: identities are those of real recipes, digests those of the files.
Only `verify` tells the copies apart, because their weights come from no training.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import cast

import numpy as np
from safetensors.numpy import load_file, save_file

from suite.analysis.confusion import confusion
from suite.data import ensure, load
from suite.data.catalog import CATALOG
from suite.disk.documents import Epoch, Record, Result, document, lines
from suite.disk.home import Home
from suite.disk.journal import RESULT_FILES, Run
from suite.recipe import registry
from suite.recipe.experiment import Experiment
from suite.runs import artifacts

BEGAN, EVERY = 1_750_000_000, 60  # when the first copy began, in seconds since 1970, and the next one after it
LASTED = 20  # seconds of each copy

TEXT = '''"""A linear layer on the digits, number {number} of a large home."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size={batch}, epochs=3)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''


@dataclass(frozen=True)
class Large:
    """A home, its experiments in a folder beside it, and the number of seeds of each recipe."""

    top: Path
    experiments: int = 4
    seeds: int = 25

    @property
    def home(self) -> Home:
        """The home itself."""
        return Home(self.top / "home")

    @property
    def own(self) -> Path:
        """The folder of the experiments, for SUITE_EXPERIMENTS."""
        return self.top / "own"

    @cached_property
    def originals(self) -> list[Experiment]:
        """The experiments, nothing of them changed."""
        self.own.mkdir(parents=True, exist_ok=True)
        for number in range(self.experiments):
            path = self.own / f"scale_{number}.py"
            if not path.exists():
                path.write_text(TEXT.format(number=number, batch=50 + number))
        return registry.load([self.own]).choose([f"scale_{number}" for number in range(self.experiments)])

    def recipes(self, runs: int) -> Iterator[Experiment]:
        """The recipes of so many runs: each experiment unchanged, then each with one learning rate after another."""
        for number in range(-(-runs // self.seeds)):
            change, which = divmod(number, self.experiments)
            original = self.originals[which]
            yield original.changed({"lr": 0.1 + change / 1000}) if change else original

    def planned(self, runs: int) -> Iterator[tuple[Run, Experiment]]:
        """So many runs, recipe after recipe, each with the recipe that it is of."""
        place = 0
        for one in self.recipes(runs):
            for seed in range(min(self.seeds, runs - place)):
                yield Run.under(self.home.runs, one.name, one.identity, seed), one
            place += self.seeds

    def grow(self, runs: int) -> Iterator[tuple[Run, Result]]:
        """Make the folders that are missing until there are so many; yields each with its result."""
        there = {path.parent for path in self.home.runs.glob("*/*/result.json")}
        wholes = {one.name: trained(self.home, one) for one in self.originals}
        for number, (run, experiment) in enumerate(self.planned(runs)):
            if not run.folder.exists():
                yield run, copied(wholes[run.experiment], run, experiment, BEGAN + EVERY * number)
            elif run.folder not in there:
                yield run, cast("Result", run.result())


def trained(home: Home, experiment: Experiment) -> Run:
    """The first seed of an experiment, really trained, with its pictures."""
    from suite.engine.train import train

    run, data = Run.under(home.runs, experiment.name, experiment.identity, 0), ensure("digits", say=lambda _: None)
    if run.result() is None:
        with run.claim():
            train(run, experiment, load("digits", data), lambda _: None)
        artifacts.make(run, lambda _: data)
    return run


def copied(whole: Run, run: Run, experiment: Experiment, began: int) -> Result:
    """Fill the folder of a run with a copy of `whole` that began at this second, and return its result.

    Losses, weights and a tenth of the predictions are random. Files that stay the same, pictures, are hard links.
    """
    draw = np.random.default_rng([run.seed, int(run.identity[:8], 16)])
    (run.folder / "artifacts").mkdir(parents=True)
    for path in whole.folder.glob("artifacts/*"):
        if path.suffix == ".png" or path.name == "layers.csv":
            os.link(path, run.folder / "artifacts" / path.name)
    if (whole.folder / "source.patch").exists():
        os.link(whole.folder / "source.patch", run.folder / "source.patch")
    names = {"experiment": run.experiment, "identity": run.identity, "seed": run.seed}
    facts: Record = {**whole.recipe(), **names, **experiment.facts()}
    (run.folder / "recipe.json").write_bytes(document(facts))
    _with_history(whole, run, draw, began)
    accuracy, digests = _with_answers(whole, run, draw), {"weights_sha256": _with_weights(whole, run, draw)}
    result = whole.result()
    assert result is not None
    metrics = {**result["metrics"], "test/accuracy": accuracy, "test/source_accuracy": accuracy}
    digests["predictions_sha256"] = _digest(run.folder / "predictions.safetensors")
    files = {
        name: sha256((run.folder / name).read_bytes()).hexdigest()
        for name in RESULT_FILES if (run.folder / name).exists()
    }  # fmt: skip
    done = cast("Result", {**result, **names, **digests, "metrics": metrics, "files": files})
    (run.folder / "result.json").write_bytes(document(cast("Record", done)))
    for name, at in (("recipe.json", began), ("result.json", began + LASTED)):
        os.utime(run.folder / name, (at, at))
    return done


def _with_history(whole: Run, run: Run, draw: np.random.Generator, began: int) -> None:
    history: list[Record] = [
        {**line, "train_loss": line["train_loss"] + draw.random() / 50,
         "clock": {**line["clock"], "at": began + 1.0 + line["epoch"]}} for line in whole.history()
    ]  # fmt: skip
    (run.folder / "history.jsonl").write_bytes(lines(cast("list[Epoch]", history)))
    rows = [{**line, **line["clock"]} for line in history]
    artifacts._write_csv(run.folder / "artifacts/history.csv", tuple(artifacts.HISTORY), rows)


def _with_answers(whole: Run, run: Run, draw: np.random.Generator) -> float:
    """Write predictions of which a tenth is random, and their matrix; returns the share that is right."""
    stored = load_file(whole.folder / "predictions.safetensors")
    other = draw.random(len(stored["label"])) < 0.1
    stored["predicted"] = np.where(other, draw.integers(0, 10, len(other)), stored["predicted"]).astype(np.uint8)
    save_file(stored, run.folder / "predictions.safetensors")
    matrix = confusion(stored["label"], stored["predicted"])
    artifacts._write_confusion(run.folder / "artifacts/confusion.csv", matrix, CATALOG["digits"].classes)
    return float((stored["predicted"] == stored["label"]).mean())


def _with_weights(whole: Run, run: Run, draw: np.random.Generator) -> str:
    """Write weights of which the first differ a little; returns their digest."""
    stored = load_file(whole.folder / "weights.safetensors")
    first = min(stored)
    stored[first] = stored[first] + draw.normal(0, 1e-3, stored[first].shape).astype(np.float32)
    save_file(stored, run.folder / "weights.safetensors")
    return _digest(run.folder / "weights.safetensors")


def _digest(path: Path) -> str:
    """The digest of tensors, as training computes it."""
    from safetensors.torch import load_file  # loads torch, which a plan does not need

    from suite.engine import checkpoint

    return checkpoint.digest(load_file(path))
