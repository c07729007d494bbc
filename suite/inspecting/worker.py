"""The work of the process that looks inside a finished run's network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite import data
from suite.disk.journal import Run
from suite.inspecting.embedding import pca, tsne
from suite.inspecting.seen import Chosen, Embedding, Inside
from suite.recipe.experiment import Experiment
from suite.runs.artifacts import stored_predictions
from suite.runs.naming import name_of
from suite.runs.worker import load_engine

if TYPE_CHECKING:
    import torch
    from torch import nn

    from suite.inspecting.passes import Call

IMAGES = 500  # of the embedding, as in the source whose network returns its features
MOST_WRONG = 20


@dataclass(frozen=True)
class Job:
    """A finished run, its experiment's overrides, the folder of its data, and the test image to follow.

    `folders` are the user's own folders of experiments; `portable` is the recipe's. Without `neighbours` there is no
    t-SNE.
    """

    run: Run
    data_folder: Path
    image: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    portable: bool = False
    neighbours: bool = True


def look(job: Job) -> Inside:
    """Load the network with its stored weights, and look at everything in it. Raises `SuiteError` (2, 3)."""
    load_engine(portable=job.portable)
    import torch

    from suite.engine.alone import load_alone
    from suite.engine.faults import in_file

    experiment = load_alone(job.run.experiment, job.folders).changed(job.overrides)
    images = data.test_images(experiment.recipe.data, job.data_folder)
    with in_file(experiment.path), torch.inference_mode():
        return _inside(job, experiment, images, _loaded(job.run, experiment))


def surest_mistakes(
    predicted: NDArray[np.integer], confidence: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.integer]:
    """The test images whose stored prediction is wrong, those with the highest probability first."""
    wrong = np.flatnonzero(predicted != labels)
    return wrong[np.argsort(-confidence[wrong], kind="stable")]


def _inside(job: Job, experiment: Experiment, images: NDArray[np.uint8], model: "nn.Module") -> Inside:
    from suite.inspecting import passes
    from suite.inspecting.graph import graph

    predicted, confidence, labels = stored_predictions(job.run.folder)
    names = data.data_set(experiment.recipe.data).classes

    def chosen(index: int) -> Chosen:
        label, guess = names[labels[index]], names[predicted[index]]
        return Chosen(index, np.array(images[index]), label, guess, float(confidence[index]))

    one = _floats(images[job.image : job.image + 1], experiment)
    calls = passes.called(model, one)
    shown = [call for call in calls if passes.changes(call)]
    weighted = passes.weighted(calls)
    surest = surest_mistakes(predicted, confidence, labels)
    remarks = [] if len(surest) else ["No test image is wrong, so there is no picture of mistakes."]
    if not weighted:
        remarks.append("No layer with weights was called, so there are no filters and no embedding.")
    embedded = _embedding(job, experiment, images, labels, model, weighted, remarks)
    return Inside(
        name_of(job.run.folder), names, chosen(job.image),
        passes.weights(weighted[0], experiment.recipe.shape) if weighted else None,
        [passes.activation(call) for call in shown[: passes.MOST_CALLS]], len(shown),
        [chosen(int(index)) for index in surest[:MOST_WRONG]], len(surest), len(labels),
        embedded, graph(model, one, calls), remarks,
    )  # fmt: skip


def _embedding(
    job: Job,
    experiment: Experiment,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    model: "nn.Module",
    weighted: "Sequence[Call]",
    remarks: list[str],
) -> Embedding | None:
    from suite.inspecting import passes

    if not weighted:
        return None
    last = weighted[-1]
    features = passes.inputs(model, _floats(images[:IMAGES], experiment), last)
    if features is None or not features.std():
        why = "has no row for each image" if features is None else "is the same for all images"
        remarks.append(f"The input of {last.words}, the last layer with weights, {why}, so there is no embedding.")
        return None
    places, explained = pca(features)
    near = tsne(features) if job.neighbours else None
    if near is None and job.neighbours:
        remarks.append(f"{len(features)} test images are too few for t-SNE.")
    only = last.number == 1 and last is weighted[0]
    return Embedding(last.words, features.shape[1], only, labels[: len(features)], places, explained, near)


def _loaded(run: Run, experiment: Experiment) -> "nn.Module":
    from suite.engine.trained import trained_network

    return trained_network(experiment, run).eval()


def _floats(images: NDArray[np.uint8], experiment: Experiment) -> "torch.Tensor":
    """Images as the network gets them in an evaluation."""
    import torch

    from suite.engine.batches import normalised

    return normalised(torch.from_numpy(np.array(images)), experiment.recipe)
