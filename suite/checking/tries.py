"""The things that a check tries with an experiment, on one batch of images. Loads torch."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from suite.checking.findings import FIX, NOTE, OK, Finding
from suite.engine.batches import normalised
from suite.engine.build import build_loss, build_model, build_optimizer
from suite.engine.draws import set_seed
from suite.engine.epoch import scores_of
from suite.engine.evaluate import look
from suite.engine.memory import peak_mib
from suite.engine.outside import Outside
from suite.engine.own import update
from suite.engine.sets import Labelled
from suite.engine.state import State
from suite.recipe.experiment import Experiment
from suite.text import plural

IMAGES = 64
STEPS, LONGEST = 100, 5.0  # the most steps on one batch, and seconds
FALLS = 0.01  # the part of its beginning by which the loss must fall
ONCE = 1_000  # images in a batch of an evaluation
MOST = 5  # names in a sentence

# torch's own list of what raises an error on a GPU if exact algorithms are asked for (use_deterministic_algorithms).
WITHOUT = (
    nn.AvgPool3d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool2d, nn.FractionalMaxPool2d,
    nn.FractionalMaxPool3d, nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d, nn.ReflectionPad1d, nn.ReflectionPad2d,
    nn.ReflectionPad3d,
)  # fmt: skip
SMOOTH = ("linear", "bilinear", "bicubic", "trilinear")  # modes of nn.Upsample which are in that list too


@dataclass(frozen=True)
class Trial:
    """An experiment with some training images uint8 (n, channels, height, width) and their labels int64 (n,)."""

    experiment: Experiment
    images: torch.Tensor
    labels: torch.Tensor

    @property
    def pixels(self) -> torch.Tensor:
        """The first `IMAGES` images as the network gets them, float32."""
        return normalised(self.images[:IMAGES], self.experiment.recipe)

    def model(self) -> nn.Module:
        """A new network with the initial weights of seed 0; raises `SuiteError` (2)."""
        return build_model(self.experiment.recipe, self.experiment.network, seed=0)


class Training:
    """A new network in training, without the schedule: every step has the recipe's `lr`."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.model = trial, trial.model()
        recipe, functions = trial.experiment.recipe, trial.experiment.functions
        self.outside = Outside(self.model, trial.experiment.network, functions)
        self._loss, self._optimizer = build_loss(recipe, functions), build_optimizer(recipe, self.model, functions)
        set_seed(0, "check", 0)

    def backward(self, pixels: torch.Tensor, labels: torch.Tensor) -> float:
        """Compute the loss and its gradients, in the recipe's precision, and return the loss."""
        loss = self._loss(scores_of(self.model, self.trial.experiment.recipe, pixels), labels)
        loss.backward()
        return float(loss.item())

    def step(self, pixels: torch.Tensor, labels: torch.Tensor) -> float:
        """One step, and its loss before the update."""
        recipe = self.trial.experiment.recipe
        loss = self.backward(pixels, labels)
        if recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip_norm)
        update(recipe, self.trial.experiment.functions, self._optimizer)
        return loss


def shapes(trial: Trial, network: dict[str, Any]) -> Finding:
    """What goes in and what comes out."""
    recipe, rows = trial.experiment.recipe, len(network["layers"])
    frozen = [name for name, weights in trial.model().named_parameters() if not weights.requires_grad]
    kept = f" Not trained, because requires_grad is false: {_names(frozen)}." if frozen else ""
    words = f"images {recipe.shape} become {recipe.classes} scores, by {plural(rows, 'layer')} with "
    return Finding("shapes", NOTE if frozen else OK, f"{words}{network['parameters']:,} parameters.{kept}")


def gradients(trial: Trial) -> Finding:
    """Which parameters the loss does not reach."""
    training = Training(trial)
    training.backward(trial.pixels, trial.labels[:IMAGES])
    named = [(name, one.grad) for name, one in training.model.named_parameters() if one.requires_grad]
    if lost := [name for name, gradient in named if gradient is None]:
        words = f"the loss does not depend on {_names(lost)}. Use it in forward(), or remove it."
        return Finding("gradients", FIX, words)
    if zero := [name for name, gradient in named if gradient is not None and not gradient.any()]:
        words = f"all gradients of {_names(zero)} are 0 on this batch: perhaps dead units, or an initial weight of 0."
        return Finding("gradients", NOTE, words)
    return Finding("gradients", OK, f"the loss reaches every one of {plural(len(named), 'tensor')} of parameters.")


def losses(training: Training) -> Finding:
    """Whether the loss falls on one batch that is trained again and again."""
    trial, begun = training.trial, time.perf_counter()
    pixels, labels, found = trial.pixels, trial.labels[:IMAGES], list[float]()
    while len(found) < STEPS and time.perf_counter() - begun < LONGEST:
        found.append(training.step(pixels, labels))
        if not math.isfinite(found[-1]):
            words = f"the loss is no finite number after {plural(len(found) - 1, 'step')} on one batch."
            return Finding("loss", FIX, f"{words} Give a smaller lr than {trial.experiment.recipe.lr:g}.")
    last = sorted(found[-10:])[len(found[-10:]) // 2]
    words = f"{found[0]:.4f} becomes {last:.4f} in {plural(len(found), 'step')} on one batch of {len(labels)} images."
    if last < found[0] - FALLS * abs(found[0]):
        return Finding("loss", OK, words)
    rate = trial.experiment.recipe.lr
    return Finding("loss", FIX, f"{words} It must fall: look at lr ({rate:g}) and the last layer.")


def algorithms(model: nn.Module) -> Finding:
    """Layers that have no deterministic algorithm on a GPU. What has none on the processor has failed before."""
    found = [
        f"{name or 'the network'} ({type(one).__name__})"
        for name, one in model.named_modules()
        if isinstance(one, WITHOUT) or (isinstance(one, nn.Upsample) and one.mode in SMOOTH)
    ]
    if not found:
        return Finding("algorithms", OK, "no layer is known that lacks a deterministic algorithm.")
    words = f"{_names(found)}: no deterministic algorithm on a GPU, so a run is refused there."
    return Finding("algorithms", NOTE, f"{words} On the processor there is one.")


def resume(training: Training) -> Finding:
    """Whether all that changed in training would be in a checkpoint; raises `SuiteError` (2) that names what is not."""
    saved, _ = training.outside.changed()
    if not saved:
        return Finding("resuming", OK, "a checkpoint holds everything that changes in training.")
    names = _names([name.strip(".") for kept in json.loads(saved) for name in kept])
    return Finding("resuming", OK, f"a checkpoint also holds what changes outside the state_dict: {names}.")


def cost(training: Training, sizes: dict[str, int]) -> dict[str, float]:
    """The estimated seconds of one run on one core, and the peak memory in MiB. `sizes` are images of each part."""
    trial, recipe = training.trial, training.trial.experiment.recipe
    images, labels = trial.images[: recipe.batch_size], trial.labels[: recipe.batch_size]
    state = State.begun(recipe, trial.model(), trial.experiment.functions)
    if kernels := state.kernels:
        step = _seconds(lambda: kernels.step(images, labels))
    else:
        pixels = normalised(images, recipe)
        step = _seconds(lambda: training.step(pixels, labels))
    looked = Labelled(trial.images[:ONCE], trial.labels[:ONCE])
    one_look = _seconds(lambda: look(state, looked)) / len(looked.labels)
    updates = math.ceil(recipe.training_images() / recipe.batch_size)
    probes = updates // recipe.probe_every * (recipe.probe_images or 0) if recipe.probe_every else 0
    held_out = sizes["train"] - recipe.training_images()
    epoch = updates * step + (held_out + sizes["test"] + probes) * one_look
    return {"seconds": recipe.epochs * epoch + sizes["test"] * one_look, "memory_mib": peak_mib()}


def _seconds(compute: Callable[[], Any]) -> float:
    """The median time of a few calls, the first of which is not counted."""
    compute()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < 50):
        begun = time.perf_counter()
        compute()
        times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2]


def _names(names: list[str]) -> str:
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST:,} more" if len(names) > MOST else "")
