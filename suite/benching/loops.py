"""The loops that are timed: the suite's own training, three usual ways to write it, evaluation, and single images.

Each loop runs without end and calls `after(images)` after each step. Only an exception or the end of its process
stops it.
"""

import itertools
import math
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from suite.data import Data
from suite.engine.batches import normalised
from suite.engine.build import (
    build_loss,
    build_model,
    build_optimizer,
    call,
    materialise,
    torchs_optimizer,
)
from suite.engine.epoch import train_epoch
from suite.engine.evaluate import SIZE, look
from suite.engine.events import EpochEnded, Step
from suite.engine.sets import Labelled, Sets, published
from suite.engine.state import State
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment

After = Callable[[int], None]
SEED = 0
PICTURES = ("torchvision.transforms", "PIL.Image")
BESIDE = {"tutorial": PICTURES, "lightning": (*PICTURES, "lightning")}


def suite(experiment: Experiment, data: Data, after: After) -> None:
    """The suite's own epochs, without evaluation of validation or test images."""
    recipe, state = experiment.recipe, _begun(experiment)
    loss_of = build_loss(recipe, experiment.functions)
    sets = Sets(published(recipe, data).training)
    images = len(sets.training.labels)
    updates = recipe.epochs * math.ceil(images / recipe.batch_size)

    def enough(step: int, _seconds: float) -> bool:
        after(min(recipe.batch_size, images - (step - 1) * recipe.batch_size))
        return False

    for epoch in itertools.count():
        train_epoch(state, recipe, sets, loss_of, SEED, epoch, _ignore, enough, updates, experiment.functions)


def bare(experiment: Experiment, data: Data, after: After) -> None:
    """The loop of an expert: all images as floats in memory, one permutation per epoch, torch's default optimiser."""
    recipe = experiment.recipe
    model, optimizer = usual(experiment)
    images, labels, _ = published(recipe, data).training
    pixels = normalised(images, recipe)
    while True:
        order = torch.randperm(len(labels)) if recipe.shuffle else torch.arange(len(labels))
        for chosen in order.split(recipe.batch_size):
            optimizer.zero_grad()
            loss = usual_loss(recipe, model(pixels[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            after(len(chosen))


def tutorial(experiment: Experiment, data: Data, after: After) -> None:
    """The loop of a tutorial: images as torchvision's data sets give them, ToTensor, a DataLoader; all cores."""
    recipe = experiment.recipe
    model, optimizer = usual(experiment)
    loader = _training_loader(recipe, data)
    while True:
        for pixels, labels in loader:
            optimizer.zero_grad()
            loss = usual_loss(recipe, model(pixels), labels)
            loss.backward()
            optimizer.step()
            after(len(labels))


def lightning(experiment: Experiment, data: Data, after: After) -> None:
    """PyTorch Lightning with the tutorial's DataLoader; all cores, without logging or checkpoints."""
    import lightning as pl
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.usual = usual(experiment)

        def training_step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
            pixels, labels = batch
            return usual_loss(experiment.recipe, self.model(pixels), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return self.usual

    class Watch(pl.Callback):
        def on_train_batch_end(self, _trainer: Any, _module: Any, _outputs: Any, batch: Any, _index: int) -> None:
            after(len(batch[1]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PossibleUserWarning)  # as on every machine that has Slurm
        trainer = pl.Trainer(
            max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Watch()],
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(Module(), _training_loader(experiment.recipe, data))


def evaluation(experiment: Experiment, data: Data, after: After) -> None:
    """The suite's evaluation of test images, with its own batch size."""
    state = _begun(experiment)
    for start in itertools.cycle(range(0, len(data.test_labels), SIZE)):
        some = Labelled(data.test_images[start : start + SIZE], data.test_labels[start : start + SIZE])
        look(state, some)
        after(len(some.labels))


def single(experiment: Experiment, data: Data, after: After) -> None:
    """Inference of one test image at a time, from its stored bytes to its class."""
    state = _begun(experiment)
    model = state.forward.eval()
    with torch.inference_mode():
        for index in itertools.cycle(range(len(data.test_labels))):
            image, label = data.test_images[index : index + 1], data.test_labels[index : index + 1]
            if state.kernels:
                state.kernels.scores(image, label)
            else:
                model(normalised(image, experiment.recipe)).argmax(1).item()
            after(1)


def _begun(experiment: Experiment) -> State:
    model = build_model(experiment.recipe, experiment.network, SEED)
    return State.begun(experiment.recipe, model, experiment.functions)


def load_libraries(loop: str) -> None:
    """Import the libraries that a loop needs besides torch, once for all rounds."""
    for name in BESIDE.get(loop, ()):
        import_module(name)


LOOPS = {loop.__name__: loop for loop in (suite, bare, tutorial, lightning, evaluation, single)}


def usual(experiment: Experiment) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The network as its file defines it, and torch's optimiser with the recipe's values and no further options.

    The learning rate is constant: these loops have no last step that a schedule needs. So no schedule costs them time.
    """
    recipe = experiment.recipe
    torch.manual_seed(SEED)
    model = call(experiment.network, recipe.shape, recipe.classes, recipe.arguments)
    materialise(model, recipe.shape)
    if recipe.init_std is not None:
        for weights in model.parameters():
            nn.init.normal_(weights, std=recipe.init_std)
    if recipe.optimizer == "own":
        return model, build_optimizer(recipe, model, experiment.functions)
    return model, torchs_optimizer(recipe, model)


def usual_loss(recipe: Recipe, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The recipe's mean loss of scores (n, classes) and labels (n,), by torch; a file's own is not called."""
    if recipe.loss != "mse-one-hot":
        return functional.cross_entropy(scores, labels, label_smoothing=recipe.label_smoothing)
    return functional.mse_loss(scores, functional.one_hot(labels, scores.shape[1]).float())


def picture_loader(recipe: Recipe, labelled: Labelled, *, shuffle: bool) -> "torch.utils.data.DataLoader[Any]":
    """A DataLoader that makes a picture from the bytes (channels, height, width) of each image, as tutorials do."""
    from torchvision.transforms import Compose, Normalize, ToTensor

    steps: list[Any] = [ToTensor()]
    if recipe.normalize:
        mean, std = recipe.normalize
        steps.append(Normalize((mean,), (std,)))  # one value for all channels
    pictures = _Pictures(labelled, Compose(steps))
    return torch.utils.data.DataLoader(pictures, batch_size=recipe.batch_size, shuffle=shuffle)


def _training_loader(recipe: Recipe, data: Data) -> "torch.utils.data.DataLoader[Any]":
    return picture_loader(recipe, published(recipe, data).training, shuffle=recipe.shuffle)


class _Pictures(torch.utils.data.Dataset[tuple[Any, int]]):
    """The same items as torchvision.datasets.MNIST: a Pillow image, transformed, and its class."""

    def __init__(self, labelled: Labelled, transform: Callable[[Any], Any]) -> None:
        self.images, self.labels, _ = labelled
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        channels_last = self.images[index].permute(1, 2, 0).numpy()
        picture = Image.fromarray(channels_last.squeeze(2) if channels_last.shape[2] == 1 else channels_last)
        return self.transform(picture), int(self.labels[index])


def _ignore(_event: Step | EpochEnded) -> None:
    """Drop the progress events of an epoch, because nobody reads them here."""
