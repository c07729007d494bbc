"""One epoch: a pass over the training images with probes, then an evaluation of validation and test images."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypedDict

import torch
from torch import nn

from suite.disk.documents import Epoch, EpochClock, Probe
from suite.engine.augment import augmenting
from suite.engine.batches import batches, normalised
from suite.engine.build import NONE, Loss, require_scores
from suite.engine.draws import permutation, set_seed
from suite.engine.evaluate import Evaluation, look
from suite.engine.events import Emit, Step
from suite.engine.own import own_schedule, update
from suite.engine.own_draws import Draws
from suite.engine.schedule import rate, set_rate
from suite.engine.sets import Labelled, Sets
from suite.engine.state import State
from suite.recipe import Recipe
from suite.recipe.arguments import Functions

Enough = Callable[[int, float], bool]  # of an epoch's steps and seconds so far: whether it ends there
TICK = 0.25  # seconds between two reports of progress


class _Means(TypedDict):
    """Over the images of an epoch so far."""

    images: int
    train_loss: float
    train_accuracy: float


class _End(TypedDict):
    """What is known at an epoch's end only."""

    val_loss: float | None
    val_accuracy: float | None
    test_accuracy: float | None
    clock: EpochClock


def train_epoch(
    state: State,
    recipe: Recipe,
    sets: Sets,
    loss_of: Loss,
    seed: int,
    epoch: int,
    emit: Emit,
    enough: Enough,
    updates: int,
    functions: Functions = NONE,
) -> Epoch:
    """Train for one epoch of a training of `updates` steps, and return its record for the history.

    Training loss and accuracy are means over the epoch's images, each computed before the update that its batch makes;
    published sources print the same. The epoch ends early if the loss is not finite, because it then stays so, or
    if `enough(steps, seconds)` is true.
    """
    set_seed(seed, "epoch", epoch)
    count, device = len(sets.training.labels), sets.training.labels.device
    own = Draws(seed, "epoch", epoch) if state.own_draws else None
    order = None
    if recipe.shuffle:
        order = own.permutation(count) if own else permutation(count, seed, epoch).to(device)
    steps = math.ceil(count / recipe.batch_size)
    change = augmenting(recipe, functions, seed, epoch)
    shape = (own_schedule(recipe, functions),) if recipe.schedule == "own" else ()
    kernels = state.kernels  # compiled or loaded before the clock runs
    tally, watch = _Tally(device), _Stopwatch()
    probes: list[Probe] = []
    for step, (images, labels) in enumerate(batches(sets.training, recipe.batch_size, order, change), 1):
        set_rate(state.optimizer, rate(recipe, epoch * steps + step - 1, updates, *shape))
        if kernels:
            loss, right = kernels.step(images, labels, own.uniform if own else None)
        else:
            loss, right = _torchs_step(state, recipe, images, labels, loss_of, functions)
        tally.add(len(labels), loss, right)
        if sets.probes and recipe.probe_every and step % recipe.probe_every == 0:
            with watch.paused():
                seen = _look(state, sets.probes).accuracy()
                probes.append({"step": epoch * steps + step, "batch_loss": float(loss), "test_accuracy": seen})
        if device.type == "cpu" and watch.ticked():  # on a GPU, reading the tally would wait for all queued steps
            emit(Step(epoch, **tally.means(), images_per_second=tally.images / watch.seconds))
            if not math.isfinite(tally.loss):
                break
        if enough(step, watch.seconds):
            break
    return {"epoch": epoch, **tally.means(), **_end(state, sets, watch), "probes": probes}


def _torchs_step(
    state: State, recipe: Recipe, images: torch.Tensor, labels: torch.Tensor, loss_of: Loss, functions: Functions
) -> tuple[torch.Tensor, torch.Tensor]:
    """One update by torch; returns the batch's mean loss and the number of right answers, before the update."""
    scores = scores_of(state.forward, recipe, normalised(images, recipe))
    loss = loss_of(scores, labels)
    loss.backward()
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(state.model.parameters(), recipe.clip_norm)
    update(recipe, functions, state.optimizer)
    if state.average:
        state.average.update()
    return loss.detach(), (scores.detach().argmax(1) == labels).sum()


def scores_of(forward: nn.Module, recipe: Recipe, pixels: torch.Tensor) -> torch.Tensor:
    """The network's scores (n, classes) for a batch as float32, computed in the recipe's precision."""
    exact = recipe.precision == "float32"
    kind = pixels.device.type
    with nullcontext() if exact else torch.autocast(kind, getattr(torch, recipe.precision)):
        scores = forward(pixels)
    require_scores(scores, pixels.shape, recipe.classes, training=True)
    return scores if exact else scores.float()


def _end(state: State, sets: Sets, watch: "_Stopwatch") -> _End:
    """The evaluation of validation and test images at the end of an epoch, and the times of all its parts."""
    trained = watch.seconds
    held_out = _look(state, sets.validation) if sets.validation else None
    validated = watch.seconds
    tested = _look(state, sets.test) if sets.test else None
    return {
        "val_loss": held_out.loss if held_out else None,
        "val_accuracy": held_out.accuracy() if held_out else None,
        "test_accuracy": tested.accuracy() if tested else None,
        "clock": {
            "train_seconds": trained,
            "probe_seconds": watch.paused_for,
            "validate_seconds": validated - trained,
            "test_seconds": watch.seconds - validated,
            "at": time.time(),
        },
    }


def is_finite(record: Epoch) -> bool:
    """Whether the training loss and the validation loss, if there is one, are finite."""
    return all(math.isfinite(loss) for loss in (record["train_loss"], record["val_loss"]) if loss is not None)


def _look(state: State, given: Labelled) -> Evaluation:
    with state.evaluated():
        return look(state, given)


class _Tally:
    """Sums over the images so far. They stay tensors, because reading a value from a GPU waits for it."""

    def __init__(self, device: torch.device) -> None:
        self.images = 0
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.right = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, images: int, loss: torch.Tensor | float, right: torch.Tensor | int) -> None:
        """A batch of so many images, their mean loss and the number of right answers."""
        self.images += images
        self.loss += loss * images
        self.right += right

    def means(self) -> _Means:
        return {
            "images": self.images,
            "train_loss": self.loss.item() / self.images,
            "train_accuracy": self.right.item() / self.images,
        }


class _Stopwatch:
    """Seconds since the start, without the pauses."""

    def __init__(self) -> None:
        self._start = self._last_tick = time.perf_counter()
        self.paused_for = 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    @contextmanager
    def paused(self) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        pause = time.perf_counter() - begun
        self._start += pause
        self.paused_for += pause

    def ticked(self) -> bool:
        now = time.perf_counter()
        if now - self._last_tick < TICK:
            return False
        self._last_tick = now
        return True
