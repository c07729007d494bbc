"""A finished run's network, ready to be asked: bytes in, scores out."""

import torch
from torch import nn

from suite.disk.journal import Run
from suite.engine import checkpoint
from suite.engine.batches import normalised
from suite.engine.build import build_model
from suite.engine.draws import own_draws
from suite.engine.exact import usual_tensors
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment


def trained_network(experiment: Experiment, run: Run) -> nn.Module:
    """The network of a finished run's experiment with the run's stored weights, in training mode as it is built."""
    network = build_model(experiment.recipe, experiment.network, run.seed)
    network.load_state_dict(checkpoint.load_tensors(run.folder / "weights.safetensors"))
    return network


class Trained(nn.Module):
    """Maps images uint8 (n, channels, height, width), as in the data set, to scores float32 (n, classes).

    The pixels are divided by 255 and normalised as the recipe says, then given to `network`. `classes` has the name of
    each score. It is in evaluation mode; the seeds of the process are as they were.
    """

    def __init__(self, experiment: Experiment, run: Run, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.recipe, self.classes, self.run = experiment.recipe, classes, run.name
        with usual_tensors(), own_draws():
            self.network = trained_network(experiment, run)
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The scores; raises `SuiteError` (2) for images of another type or shape."""
        wanted = tuple(self.recipe.shape)
        if images.dtype != torch.uint8 or images.dim() != 4 or tuple(images.shape[1:]) != wanted:
            kind = str(images.dtype).removeprefix("torch.")
            raise SuiteError(
                f"{self.run}: images must be uint8 {('n', *wanted)}, got {kind} {tuple(images.shape)}.".replace(
                    "'", ""
                ),
                "Give the bytes 0 to 255; for pixels that are scaled already there is .network.",
            )
        scores: torch.Tensor = self.network(normalised(images, self.recipe)).float()
        return scores
