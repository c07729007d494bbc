"""The runs of the record in groups: a group is one recipe with all of its seeds."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.analysis.confusion import Matrix, spread
from suite.analysis.intervals import SeedGroup, group
from suite.data.catalog import title_of
from suite.tracking.fetching import fetch
from suite.tracking.naming import changes, recipe_of
from suite.tracking.store import Store
from suite.tracking.stored import PREDICTIONS, Predictions, class_names, history, layers, matrix, numbers, predictions

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """All finished runs of one recipe, ordered by seed, with the contents of their artifacts.

    `classes` are the class names in the runs' confusion matrices. `missing` are seeds that the recipe with the most
    seeds on this data set has, and that have neither finished nor diverged here. `confusion` and `confusion_sd` are
    the mean and the standard deviation of each cell over the seeds. A row of `histories` holds the figures of one
    epoch (None if the record has none) and `cumulative_train_seconds`, the training time up to the epoch's end.
    """

    experiment: str
    identity: str
    changes: str
    runs: tuple[Row, ...]
    diverged: tuple[int, ...]
    source: Mapping[str, Any]
    histories: tuple[list[Row], ...]
    probes: tuple[list[Row], ...]
    layers: list[Row]
    classes: tuple[str, ...]
    confusion: Matrix
    samples: bytes | None
    missing: tuple[int, ...] = ()
    confusion_sd: Matrix | None = None
    read_predictions: Callable[[], Predictions | None] = lambda: None

    @property
    def title(self) -> str:
        """`lenet`, or `lenet, lr=0.01` for a changed recipe."""
        return f"{self.experiment}, {self.changes}" if self.changes else self.experiment

    @property
    def slug(self) -> str:
        """The title as a part of file names and anchors. A foreign name gets a digest: it may be long or not unique."""
        name = re.sub(r"[^a-z0-9_]", "_", self.experiment)[:40]
        if name != self.experiment:
            return f"{name}-{sha256(f'{self.experiment}/{self.identity}'.encode()).hexdigest()[:8]}"
        return f"{name}-{re.sub('[^0-9a-f]', '_', self.identity[:8])}" if self.changes else name

    @property
    def data_title(self) -> str:
        """The title of the data set: from the catalog, or else from the record."""
        return title_of(self.parameter("data"), str(self.runs[0].get("data_title", "")))

    @property
    def as_published(self) -> bool:
        """Whether our figures may be compared with the source's."""
        return not self.changes and bool(self.source)

    @property
    def published_history(self) -> dict[int, list[float]]:
        """The values that the source printed, by epoch from 0; empty for a changed recipe."""
        printed = self.source.get("history", {}) if self.as_published else {}
        return {int(epoch): row for epoch, row in sorted(printed.items(), key=lambda line: int(line[0]))}

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the finished runs, in ascending order."""
        return tuple(int(run["seed"]) for run in self.runs)

    @property
    def tried(self) -> set[int]:
        """The seeds that finished or diverged."""
        return {*self.seeds, *self.diverged}

    @property
    def predicted(self) -> NDArray[np.integer] | None:
        """The predicted class of every test image, (n seeds, m images); None if any predictions are damaged."""
        return self._predictions and self._predictions.predicted

    @property
    def confidence(self) -> NDArray[np.float32] | None:
        """The score of the predicted class, from 0 to 1, float32 (n, m); None if `predicted` is None."""
        return self._predictions and self._predictions.confidence

    @property
    def labels(self) -> NDArray[np.integer] | None:
        """The true classes (m,), of the same type; None if `predicted` is None."""
        return self._predictions and self._predictions.labels

    @cached_property
    def _predictions(self) -> Predictions | None:
        return self.read_predictions()

    def parameter(self, name: str) -> str:
        """A recipe field as text, as MLflow stores it."""
        return str(self.runs[0][f"param.{name}"])

    def metric(self, name: str) -> SeedGroup:
        """A metric's values over the seeds."""
        return group([run[name] for run in self.runs])

    def environment(self, name: str) -> str:
        """A fact about the machine or its software; if the seeds' values differ, all of them."""
        return ", ".join(sorted({str(run[f"suite.env.{name}"]) for run in self.runs}))


def read_groups(store: Store, runs: "pd.DataFrame") -> list[Group]:
    """The groups with at least one finished run whose artifacts are intact; unchanged recipes first.

    `runs` is the frame from `finished_runs`. Predictions are read on first use. Raises `TrackerAway`.
    """
    if runs.empty:
        return []
    groups = []
    newest = _newest(runs)
    for _, found in runs.groupby(["experiment", "identity"], sort=True):
        every = [{str(key): value for key, value in row.items()} for row in found.to_dict("records")]
        if one := _group(store, every, newest):
            groups.append(one)
    return _with_missing(sorted(groups, key=lambda one: (bool(one.changes), one.experiment, one.changes)))


def _with_missing(groups: Sequence[Group]) -> list[Group]:
    """The groups with their missing seeds: those of the unchanged recipe with the most seeds on the same data set.

    A changed recipe may have other seeds, such as a study's winner, but not fewer.
    """
    largest: dict[str, set[int]] = {}
    for one in groups:
        if not one.changes:
            data = one.parameter("data")
            largest[data] = max(largest.get(data, set()), one.tried, key=len)
    return [replace(one, missing=_missing(one, largest.get(one.parameter("data"), set()))) for one in groups]


def _missing(one: Group, wanted: set[int]) -> tuple[int, ...]:
    return () if one.changes and len(one.tried) >= len(wanted) else tuple(sorted(wanted - one.tried))


def lost(runs: "pd.DataFrame") -> list[tuple[str, tuple[int, ...]]]:
    """The recipes without a finished run, by title, with the seeds that diverged."""
    if runs.empty:
        return []
    found = []
    for (experiment, _), ended in runs.groupby(["experiment", "identity"], sort=True):
        if not (ended["status"] == "finished").any():
            words = filter(None, (str(experiment), changes(ended.to_dict("records")[0])))
            found.append((", ".join(words), tuple(map(int, ended["seed"]))))
    return found


def data_titles(groups: Sequence[Group]) -> dict[str, str]:
    """The title of each data set, by name."""
    return {one.parameter("data"): one.data_title for one in reversed(groups)}


def _newest(runs: "pd.DataFrame") -> dict[tuple[str, str], str]:
    """The current identity by experiment and changes: that of the last run, because the file may have been edited."""
    rows = runs.sort_values("started")[["experiment", "overrides", "identity"]].to_dict("records")
    return {recipe_of(row): str(row["identity"]) for row in rows}


def _group(store: Store, every: list[Row], newest: Mapping[tuple[str, str], str]) -> Group | None:
    """The group of one recipe's runs; None if no finished run has intact artifacts."""
    ended = [row for row in every if row["status"] == "finished"]
    artifacts = fetch(store, [row["artifact_uri"] for row in ended], ("history.csv", "confusion.csv", "probes.csv"))
    named = [class_names(found.get("confusion.csv", b"")) for found in artifacts]
    [(names, _)] = Counter(filter(None, named)).most_common(1) or [((), 0)]
    whole = []
    for row, found, own in zip(ended, artifacts, named, strict=True):
        counts = matrix(found.get("confusion.csv", b""), len(names)) if own == names else None
        if counts is not None:
            whole.append((row, found, counts))
    if not whole:
        return None
    runs, texts, matrices = zip(*whole, strict=True)
    [shown] = fetch(store, [runs[0]["artifact_uri"]], ("layers.csv", "samples.png"))
    identity = runs[0]["identity"]
    mean, deviation = spread(np.stack(matrices))
    earlier = "" if newest[recipe_of(runs[0])] == identity else f"(earlier recipe {identity[:8]})"
    return Group(
        experiment=runs[0]["experiment"],
        identity=identity,
        changes=" ".join(filter(None, (changes(runs[0]), earlier))),
        runs=runs,
        diverged=tuple(row["seed"] for row in every if row["status"] == "diverged"),
        source=runs[0]["source"] or {},
        histories=tuple(history(found.get("history.csv", b"")) for found in texts),
        probes=tuple(numbers(found.get("probes.csv", b"")) for found in texts),
        layers=layers(shown.get("layers.csv", b"")),
        classes=names,
        confusion=mean,
        confusion_sd=deviation if len(matrices) > 1 else None,
        samples=shown.get("samples.png"),
        read_predictions=lambda: _predictions(store, runs, len(names)),
    )


def _predictions(store: Store, runs: Sequence[Row], classes: int) -> Predictions | None:
    artifacts = fetch(store, [row["artifact_uri"] for row in runs], [PREDICTIONS])
    return predictions([found.get(PREDICTIONS, b"") for found in artifacts], int(runs[0]["test/images"]), classes)
