"""The test images that most seeds of most experiments get wrong."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.integer]


@dataclass(frozen=True)
class Hard:
    """One test image: its label, the share of runs that get it wrong, and the most frequent wrong class.

    In `share` every experiment has the same weight, however many seeds it has. `experiments` is how many experiments
    get the image wrong with more than half of their seeds.
    """

    image: int
    label: int
    share: float
    taken_for: int
    experiments: int


def hardest(predicted: Classes, labels: Classes, groups: Sequence[Hashable], most: int = 20) -> list[Hard]:
    """The images that more than half of the experiments get wrong under more than half of their seeds, hardest first.

    `predicted` is (k runs, m images), `labels` (m,), and `groups` names the experiment of each run. At most `most`
    images are returned.
    """
    names = list(dict.fromkeys(groups))
    members = [[run for run, group in enumerate(groups) if group == name] for name in names]
    shares = np.array([(predicted[runs] != labels).mean(axis=0) for runs in members])
    failing = (shares > 0.5).sum(axis=0)
    mean = shares.mean(axis=0)
    chosen = np.flatnonzero(2 * failing > len(names))
    chosen = chosen[np.argsort(-mean[chosen], kind="stable")][:most]
    weights = np.array([1 / groups.count(group) for group in groups])
    return [
        Hard(int(image), int(labels[image]), float(mean[image]), taken, int(failing[image]))
        for image, taken in zip(chosen, _taken_for(predicted[:, chosen], labels[chosen], weights), strict=True)
    ]


def _taken_for(predicted: Classes, labels: Classes, weights: NDArray[np.float64]) -> list[int]:
    """The most frequent wrong class of each of h images; all runs of an experiment together have one vote."""
    votes = [
        np.bincount(column, weights=weights * (column != label))
        for column, label in zip(predicted.T, labels, strict=True)
    ]
    return [int(vote.argmax()) for vote in votes]
