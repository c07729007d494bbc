"""What a model says of images it is not trained on."""

from dataclasses import dataclass

import torch
from torch import nn

from suite.engine.batches import batches
from suite.engine.build import Loss
from suite.recipe import Recipe

SIZE = 1_000  # images at a time; part of the arithmetic, hence fixed


@dataclass(frozen=True)
class Evaluation:
    """Mean loss, the predicted classes int64 (n,) and the score of each: a probability where the loss gives one."""

    loss: float
    predicted: torch.Tensor
    confidence: torch.Tensor
    labels: torch.Tensor

    def accuracy(self, first: int | None = None) -> float:
        """The share of right answers among the first so many images, or among all."""
        return float((self.predicted[:first] == self.labels[:first]).double().mean())


def evaluate(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, recipe: Recipe, loss_of: Loss) -> Evaluation:
    """Look at every image once, without training; the model is left in training mode.

    The images are copied to where the model is; what comes back is in the processor's memory.
    """
    model.eval()
    device = next((weights.device for weights in model.parameters()), images.device)
    total, predicted, confidence = torch.zeros((), dtype=torch.float64, device=device), [], []
    with torch.inference_mode():
        for pixels, truth in batches(images.to(device), labels.to(device), recipe, SIZE):
            scores = model(pixels)
            total += loss_of(scores, truth).double() * len(truth)
            # Squared error trains the scores towards 0 and 1 themselves.
            likely = scores.softmax(1) if recipe.loss == "cross-entropy" else scores.clamp(0, 1)
            top = likely.max(1)
            predicted.append(scores.argmax(1))
            confidence.append(top.values)
    model.train()
    return Evaluation(total.item() / len(labels), torch.cat(predicted).cpu(), torch.cat(confidence).cpu(), labels.cpu())
