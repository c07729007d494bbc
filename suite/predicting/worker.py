"""The work of the process that predicts: loads a finished run's network, fits the pictures, evaluates them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite import data, html
from suite.disk.journal import Run
from suite.errors import SuiteError
from suite.predicting.fitting import Fitted, fitted
from suite.predicting.measures import sampled, usual
from suite.recipe.experiment import Experiment
from suite.runs.naming import name_of
from suite.runs.worker import load_engine

if TYPE_CHECKING:
    import pandas as pd

    from suite.engine.evaluate import Evaluation
    from suite.pictures.inputs import Row

SHOWN = 100  # pictures that a notebook shows


@dataclass(frozen=True)
class Job:
    """A finished run, its experiment's overrides, the folder of its data, and the pictures.

    `folders` are the user's own folders of experiments; `portable` is the recipe's. `by_kernels` says whether the run's
    own evaluation went by the kernels.
    """

    run: Run
    data_folder: Path
    pictures: Sequence[Path]
    as_is: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    portable: bool = False
    by_kernels: bool = False


@dataclass(frozen=True)
class Prediction:
    """One picture with the network's answer: the class, and the probability of every class by name.

    `predicted` is the name of the class with the highest score; several classes may have its probability.
    """

    path: Path
    seen: Fitted
    predicted: str
    probabilities: dict[str, float]

    def row(self) -> tuple[str, ...]:
        """The cells of its row in a table: the two most probable classes, and what was corrected."""
        ranked = sorted(self.probabilities.items(), key=lambda item: (item[0] != self.predicted, -item[1]))
        first, second = ranked[:2]
        corrected = ", ".join(what.what for what in self.seen.differences if what.corrected)
        return self.path.name, first[0], f"{first[1]:.4f}", second[0], f"{second[1]:.4f}", corrected or "–"

    def facts(self) -> dict[str, Any]:
        """The values that `predict --json` prints."""
        return {
            "picture": str(self.path), "class": self.predicted, "probability": self.probabilities[self.predicted],
            "probabilities": self.probabilities, **self.seen.facts(),
        }  # fmt: skip


@dataclass(frozen=True)
class Predicted:
    """The answers of one run for pictures, in their order; `refused` has the error of each that cannot be read.

    `compared` says whether polarity, range and margins could be compared with the training images.
    """

    run: str
    as_is: bool
    compared: bool
    predictions: list[Prediction]
    refused: list[SuiteError]

    @property
    def code(self) -> int:
        """The exit code of a command with this result."""
        return max((error.code for error in self.refused), default=0)

    def facts(self) -> dict[str, Any]:
        """The values that `predict --json` prints."""
        return {
            "run": self.run, "as_is": self.as_is, "compared": self.compared,
            "pictures": [one.facts() for one in self.predictions], "refused": [str(error) for error in self.refused],
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The values that `predict --json` prints."""
        return self.facts()

    def frame(self) -> "pd.DataFrame":
        """A row for each picture: its file, its class, and the probability of every class."""
        import pandas as pd

        first = [{"picture": str(one.path), "class": one.predicted} for one in self.predictions]
        return pd.DataFrame([{**row, **one.probabilities} for row, one in zip(first, self.predictions, strict=True)])

    def table(self) -> html.Shown:
        """A row for each picture, for a person."""
        columns = ("picture", "class", "probability>", "next", "probability>", "corrected")
        return html.Shown(f"Classes by {self.run}", columns, [one.row() for one in self.predictions])

    def _repr_html_(self) -> str:
        from suite.pictures import canvas
        from suite.pictures.inputs import inputs

        with canvas.own_style():
            picture = canvas.image(inputs(self.run, self.drawn(self.shown)), "png")
        return html.of([self.table()], words=map(str, self.refused), pictures=[("What the network saw", picture)])

    def drawn(self, some: "Sequence[Prediction]") -> "list[Row]":
        """Some of the answers as rows of a picture, which has `class 3` for a name with letters that its font lacks."""
        from suite.pictures.canvas import writable

        classes = [*some[0].probabilities] if some else []
        names = dict(zip(classes, writable(classes), strict=True))
        return [(one.path, one.seen.pixels, names[one.predicted], one.probabilities[one.predicted]) for one in some]

    @property
    def shown(self) -> "list[Prediction]":
        """The first pictures, which a notebook shows as the network saw them."""
        return self.predictions[:SHOWN]


def predict(job: Job) -> Predicted:
    """Fit the pictures and evaluate them with the run's stored weights. Raises `SuiteError` (2, 3)."""
    load_engine(portable=job.portable)
    from suite.engine.alone import load_alone

    experiment = load_alone(job.run.experiment, job.folders).changed(job.overrides)
    recipe = experiment.recipe
    training, _ = data.load_training(recipe.data, job.data_folder)
    common = usual(sampled(training.numpy())[:, 0]) if recipe.shape[0] == 1 else None
    seen: list[tuple[Path, Fitted]] = []
    refused = []
    for path in job.pictures:
        try:
            seen.append((path, fitted(path, recipe.shape, common, as_is=job.as_is)))
        except SuiteError as error:
            refused.append(error)
    names = data.data_set(recipe.data).classes
    asked = _likely(job, experiment, [one.pixels for _, one in seen])
    found = [
        Prediction(path, one, names[best], dict(zip(names, row, strict=True)))
        for (path, one), (best, row) in zip(seen, asked, strict=True)
    ]
    return Predicted(name_of(job.run.folder), job.as_is, common is not None, found, refused)


def _likely(job: Job, experiment: Experiment, images: Sequence[NDArray[np.uint8]]) -> Iterator[tuple[int, list[float]]]:
    """For each image its class and the probability of every class, from the weights in the run's folder."""
    from suite.engine.faults import in_file

    if not images:
        return
    with in_file(experiment.path):
        found = _evaluated(job, experiment, np.stack(images))
    scores = found.scores
    assert scores is not None  # they were asked for
    likely = scores.softmax(1) if experiment.recipe.loss != "mse-one-hot" else scores.clamp(0, 1)
    for row, best, confidence in zip(likely, found.predicted.tolist(), found.confidence.tolist(), strict=True):
        row[best] = (
            confidence  # the run's own figure: the softmax of the kernels may differ from torch's in the last bit
        )
        yield best, row.tolist()


def _evaluated(job: Job, experiment: Experiment, images: NDArray[np.uint8]) -> "Evaluation":
    """The network's scores, computed as the run computed those of its test images, if that can be done here.

    `images` are uint8 (n, channels, height, width).
    """
    import torch

    from suite.engine.build import plain_loss
    from suite.engine.evaluate import evaluate, look
    from suite.engine.rewrite import rewrite
    from suite.engine.sets import Labelled
    from suite.engine.state import State
    from suite.engine.trained import trained_network
    from suite.engine.way import way_of

    recipe, model = experiment.recipe, trained_network(experiment, job.run)
    unknown = Labelled(torch.from_numpy(images), torch.zeros(len(images), dtype=torch.int64))
    if job.by_kernels and way_of(recipe, model).kernels:
        return look(State.begun(recipe, model), unknown, scored=True)
    return evaluate(rewrite(model), unknown, recipe, plain_loss(recipe), scored=True)
