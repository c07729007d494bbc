"""Training of one run to its end; it resumes from the state in the run's folder."""

import math
import time

import torch

from suite.data import Data
from suite.disk import crash
from suite.disk.documents import Epoch, Result
from suite.disk.journal import Run
from suite.engine import checkpoint, exact, state
from suite.engine.evaluate import Evaluation, look
from suite.engine.events import Emit
from suite.engine.faults import in_file
from suite.engine.fit import Fitted, finish_diverged, fit
from suite.engine.layers import describe
from suite.engine.memory import peak_mib
from suite.engine.own import own_score
from suite.engine.rehearsal import require_repeatable
from suite.engine.sets import Labelled, published
from suite.engine.state import State
from suite.errors import MACHINE, SuiteError
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment

FIRST = ("mnist", "fashion-mnist", "digits")  # their classes are balanced, and their records stay as they were
RELOADED = 1_000  # test images that must get the same classes after the weights are read back from their file


def train(run: Run, experiment: Experiment, data: Data, emit: Emit) -> Result:
    """Train and evaluate one run, write its result and return it; the caller has claimed the folder.

    If a loss is not finite, the run ends early with the status `diverged` and without an accuracy.
    """
    recipe = experiment.recipe
    sets = published(recipe, data)
    fitted = fit(run, experiment, sets, emit, more=lambda history: len(history) < recipe.epochs)
    if fitted.diverged is not None:
        return finish_diverged(run, fitted.diverged, fitted.environment)
    return _finish(run, experiment, fitted, data)


def _finish(run: Run, experiment: Experiment, fitted: Fitted, data: Data) -> Result:
    """Evaluate the weights that the recipe keeps (last or best) on all test images, and write the result."""
    recipe, now = experiment.recipe, fitted.state
    if recipe.keep == "best":
        now.model.load_state_dict(now.best)
    elif now.average:
        now.model.load_state_dict(now.kept())
    begun = time.perf_counter()
    with exact.unchanged(experiment.path, "the network's forward()"), in_file(experiment.path):
        test = Labelled(data.test_images, data.test_labels)
        found = look(now, test, scored="score" in experiment.functions)
    seconds = time.perf_counter() - begun
    if not math.isfinite(found.loss):
        return finish_diverged(run, recipe.epochs - 1, fitted.environment)
    crash.at("run:evaluated")
    weights = dict(now.model.state_dict())
    number = torch.uint8 if recipe.classes <= 256 else torch.uint16  # of a class, in as few bytes as hold it
    predictions = {
        "predicted": found.predicted.to(number),
        "confidence": found.confidence,
        "label": found.labels.to(number),
    }
    checkpoint.save_tensors(run.folder / "weights.safetensors", weights)
    checkpoint.save_tensors(run.folder / "predictions.safetensors", predictions)
    _require_equal_after_reload(run, now, data, found)
    return run.finish(
        {
            "status": "finished",
            "weights_sha256": checkpoint.digest(weights),
            "predictions_sha256": checkpoint.digest(predictions),
            "metrics": _metrics(recipe, now.history, found) | _own_score(experiment, found),
            "network": describe(now.model.cpu(), recipe.shape),
            "clock": _clock(now.history, len(found.labels), seconds),
            "environment": fitted.environment,
        }
    )


def _require_equal_after_reload(run: Run, now: State, data: Data, found: Evaluation) -> None:
    """Read the weights back from their file; raises `SuiteError` if they predict other classes.

    Its code is 2 if the network's evaluation does not repeat, else 3.
    """
    now.model.load_state_dict(checkpoint.load_tensors(run.folder / "weights.safetensors"))
    first = Labelled(data.test_images[:RELOADED], data.test_labels[:RELOADED])

    def again() -> Evaluation:
        return look(now, first)

    if not torch.equal(again().predicted, found.predicted[:RELOADED]):
        require_repeatable(now.model, again)
        raise SuiteError(
            f"{run.folder / 'weights.safetensors'}: the weights read back predict other classes than those trained.",
            "The network repeats its numbers, so the disk or the memory of this machine has a fault: check both.",
            code=MACHINE,
        )


def _metrics(recipe: Recipe, history: list[Epoch], found: Evaluation) -> dict[str, float]:
    """The final metrics: test accuracy on all images and on the source's subset, training and best validation.

    Data sets other than `FIRST` have figures in which every class counts alike; those of many classes, top-5 accuracy.
    """
    subset = min(recipe.test_images or len(found.labels), len(found.labels))
    metrics = {
        "test/accuracy": found.accuracy(),
        "test/loss": found.loss,
        "test/images": len(found.labels),
        "test/source_accuracy": found.accuracy(subset),
        "test/source_images": subset,
        "train/last_loss": history[-1]["train_loss"],
        "train/last_accuracy": history[-1]["train_accuracy"],
    }
    if recipe.data not in FIRST:
        balanced, f1 = found.averages()
        metrics |= {"test/balanced_accuracy": balanced, "test/macro_f1": f1}
    if found.top is not None:
        metrics["test/top5_accuracy"] = found.top
    if recipe.holdout:
        epoch, accuracy = state.best_epoch(history)
        metrics |= {"val/best_accuracy": accuracy, "val/best_epoch": epoch}
    return metrics


def _own_score(experiment: Experiment, found: Evaluation) -> dict[str, float]:
    """The figure that the file's own function `score` gives the test images, if there is one."""
    if found.scores is None:
        return {}
    return {"test/score": own_score(experiment.recipe, experiment.functions)(found.scores, found.labels)}


def _clock(history: list[Epoch], images: int, evaluation: float) -> dict[str, float]:
    """Speeds and memory; they depend on the machine and its load and are not reproducible.

    `evaluation` is the time of the final evaluation of `images` images, in seconds.
    """
    clocks = [record["clock"] for record in history]
    seconds = [clock["train_seconds"] for clock in clocks]
    looks = [
        clock.get("probe_seconds", 0.0) + clock.get("validate_seconds", 0.0) + clock.get("test_seconds", 0.0)
        for clock in clocks
    ]
    return {
        "perf/train_images_per_second": sum(record["images"] for record in history) / sum(seconds),
        "perf/inference_images_per_second": images / evaluation,
        "perf/seconds_per_epoch": sum(seconds) / len(seconds),
        "perf/train_seconds": sum(seconds),
        "perf/evaluation_seconds": sum(looks) + evaluation,
        "perf/peak_memory_mib": peak_mib(),
    }
