"""Evaluation of a model on images that do not train it."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from suite.engine.batches import batches, normalised
from suite.engine.build import Loss, plain_loss
from suite.engine.sets import Labelled
from suite.engine.state import State
from suite.recipe import Recipe

TOP, FEWEST = 5, 20  # top-5 accuracy is measured from so many classes on
SIZE = 1_000  # batch size of every evaluation; fixed, because it can change the last bits of a result


@dataclass(frozen=True)
class Evaluation:
    """Mean loss, and for n images the predicted classes int64 (n,), their confidence float32 (n,) and the labels.

    The confidence is the softmax probability, or for the squared error the score limited to 0 to 1. `top` is the share
    of images whose label has one of the `TOP` highest scores; None for fewer than `FEWEST` classes. `scores` are all
    scores (n, classes), where they were asked for.
    """

    loss: float
    predicted: torch.Tensor
    confidence: torch.Tensor
    labels: torch.Tensor
    top: float | None = None
    scores: torch.Tensor | None = None

    def accuracy(self, first: int | None = None) -> float:
        """The share of correct predictions among the `first` images, or among all."""
        return float((self.predicted[:first] == self.labels[:first]).double().mean())

    def averages(self) -> tuple[float, float]:
        """The balanced accuracy and the macro-averaged F1: classes count alike, however many images each has.

        They are the means of recall over the classes of the labels, and of F1 over those of labels or predictions, as
        in scikit-learn's `balanced_accuracy_score` and `f1_score(average="macro")`.
        """
        classes = 1 + int(max(self.labels.max(), self.predicted.max()))
        hits = self.labels[self.labels == self.predicted]
        right, true, claimed = (one.bincount(minlength=classes).double() for one in (hits, self.labels, self.predicted))
        recall, f1 = right / true, 2 * right / (true + claimed)  # nan for a class that is not met
        return float(recall.nanmean()), float(f1.nanmean())


def look(state: State, given: Labelled, *, scored: bool = False) -> Evaluation:
    """Evaluate a state's network with the weights that it has, the way that its training goes; see `evaluate`."""
    if state.kernels is None:
        return evaluate(state.forward, given, state.recipe, plain_loss(state.recipe), scored=scored)
    found = [state.kernels.scores(images, labels) for images, labels in batches(given, SIZE)]
    losses, scores, predicted, confidence = zip(*found, strict=True)
    every, count = torch.cat(scores), len(given.labels)
    top = None
    if state.recipe.classes >= FEWEST:
        top = float((every.topk(TOP, 1).indices == given.labels.unsqueeze(1)).sum()) / count
    loss = math.fsum(losses) / count
    kept = every if scored else None
    return Evaluation(loss, torch.cat(predicted), torch.cat(confidence), given.labels, top, kept)


def evaluate(model: nn.Module, given: Labelled, recipe: Recipe, loss_of: Loss, *, scored: bool = False) -> Evaluation:
    """Evaluate the model on all images; it is left in training mode.

    The images are copied to the model's device; the result is in CPU memory. `scored` keeps all scores too.
    """
    model.eval()
    device = next((weights.device for weights in model.parameters()), given.images.device)
    total, predicted, confidence = torch.zeros((), dtype=torch.float64, device=device), [], []
    among = torch.zeros((), dtype=torch.int64, device=device) if recipe.classes >= FEWEST else None
    every: list[torch.Tensor] = []
    with torch.inference_mode():
        for images, truth in batches(given.to(device), SIZE):
            scores = model(normalised(images, recipe))
            total += loss_of(scores, truth).double() * len(truth)
            if scored:
                every.append(scores.float().cpu())
            # The squared error trains the scores themselves towards 0 and 1, so they need no softmax.
            likely = scores.softmax(1) if recipe.loss != "mse-one-hot" else scores.clamp(0, 1)
            top = likely.max(1)
            predicted.append(scores.argmax(1))
            confidence.append(top.values.float())
            if among is not None:
                among += (scores.topk(TOP, 1).indices == truth.unsqueeze(1)).sum()
    model.train()
    return Evaluation(
        total.item() / len(given.labels),
        torch.cat(predicted).cpu(),
        torch.cat(confidence).cpu(),
        given.labels.cpu(),
        None if among is None else among.item() / len(given.labels),
        torch.cat(every) if scored else None,
    )
