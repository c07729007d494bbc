"""The record's runs as seed groups: one recipe, all of its seeds."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.analysis.confusion import Matrix
from suite.analysis.intervals import SeedGroup, group
from suite.data.catalog import CATALOG
from suite.tracking.frame import download
from suite.tracking.store import Store

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """All finished runs of one recipe, seeds ascending, with what their artifacts say."""

    experiment: str
    identity: str
    changes: str
    runs: tuple[Row, ...]
    diverged: tuple[int, ...]
    source: Mapping[str, Any]
    histories: tuple[list[Row], ...]
    probes: tuple[list[Row], ...]
    layers: list[Row]
    confusion: Matrix
    samples: bytes | None

    @property
    def title(self) -> str:
        """`lenet`, or `lenet, lr=0.01` for a changed recipe."""
        return f"{self.experiment}, {self.changes}" if self.changes else self.experiment

    @property
    def slug(self) -> str:
        """The title as a part of file names and anchors; what is no name of ours could be long, or end as another."""
        name = re.sub(r"[^a-z0-9_]", "_", self.experiment)[:40]
        if name != self.experiment:
            return f"{name}-{sha256(f'{self.experiment}/{self.identity}'.encode()).hexdigest()[:8]}"
        return f"{name}-{re.sub('[^0-9a-f]', '_', self.identity[:8])}" if self.changes else name

    @property
    def classes(self) -> tuple[str, ...]:
        return CATALOG[self.parameter("data")].classes

    @property
    def as_published(self) -> bool:
        """Whether the source's figures may stand beside ours."""
        return not self.changes and bool(self.source)

    @property
    def published_history(self) -> dict[int, list[float]]:
        """What the source printed, by epoch from 0; empty for a changed recipe."""
        printed = self.source.get("history", {}) if self.as_published else {}
        return {int(epoch): row for epoch, row in sorted(printed.items(), key=lambda line: int(line[0]))}

    def parameter(self, name: str) -> str:
        """A recipe field as MLflow keeps it, as text."""
        return str(self.runs[0][f"param.{name}"])

    def metric(self, name: str) -> SeedGroup:
        """One figure over the seeds."""
        return group([run[name] for run in self.runs])

    def environment(self, name: str) -> str:
        """A fact of the machine or its versions; all of them, where the seeds' differ."""
        return ", ".join(sorted({str(run[f"suite.env.{name}"]) for run in self.runs}))


def read_groups(store: Store, runs: "pd.DataFrame", scratch: Path) -> list[Group]:
    """The groups that have at least one finished run, unchanged recipes first; artifacts go through `scratch`."""
    if runs.empty:
        return []
    groups = []
    newest = _newest(runs)
    for (experiment, identity), found in runs.groupby(["experiment", "identity"], sort=True):
        rows = [{str(key): value for key, value in row.items()} for row in found.to_dict("records")]
        finished = [row for row in rows if row["status"] == "finished"]
        if finished:
            current = newest[str(experiment), _changes(finished[0])] == identity
            groups.append(_group(store, str(experiment), str(identity), rows, finished, scratch, current=current))
    return sorted(groups, key=lambda one: (bool(one.changes), one.experiment, one.changes))


def lost(runs: "pd.DataFrame") -> list[tuple[str, tuple[int, ...]]]:
    """The recipes without a finished run, by title, with the seeds under which they diverged."""
    if runs.empty:
        return []
    found = []
    for (experiment, _), rows in runs.groupby(["experiment", "identity"], sort=True):
        if not (rows["status"] == "finished").any():
            words = filter(None, (str(experiment), _changes(rows.to_dict("records")[0])))
            found.append((", ".join(words), tuple(map(int, rows["seed"]))))
    return found


def _newest(runs: "pd.DataFrame") -> dict[tuple[str, str], str]:
    """The identity that an experiment with its changes has now: the one run last, should its file have been edited."""
    rows = runs.sort_values("started").to_dict("records")
    return {(str(row["experiment"]), _changes(row)): str(row["identity"]) for row in rows}


def _changes(row: Mapping[Any, Any]) -> str:
    return " ".join(f"{name}={_plain(value)}" for name, value in sorted(row["overrides"].items()))


def _group(
    store: Store, experiment: str, identity: str, rows: list[Row], finished: list[Row], scratch: Path, *, current: bool
) -> Group:
    folders = [scratch / row["run_id"] for row in finished]
    for row, folder in zip(finished, folders, strict=True):
        folder.mkdir()
        for name in ("history.csv", "confusion.csv", "layers.csv", "probes.csv"):
            download(store, row["run_id"], name, folder)
    samples = download(store, finished[0]["run_id"], "samples.png", folders[0])
    words = [_changes(finished[0]), "" if current else f"(earlier recipe {identity[:8]})"]
    return Group(
        experiment=experiment,
        identity=identity,
        changes=" ".join(filter(None, words)),
        runs=tuple(finished),
        diverged=tuple(row["seed"] for row in rows if row["status"] == "diverged"),
        source=finished[0]["source"] or {},
        histories=tuple(_numbers(folder / "history.csv") for folder in folders),
        probes=tuple(_numbers(folder / "probes.csv") for folder in folders),
        layers=list(_rows(folders[0] / "layers.csv")),
        confusion=np.mean([_matrix(folder / "confusion.csv") for folder in folders], axis=0),
        samples=samples.read_bytes() if samples else None,
    )


def _rows(path: Path) -> Iterable[dict[str, str]]:
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _numbers(path: Path) -> list[Row]:
    return [{key: float(value) if value else None for key, value in row.items()} for row in _rows(path)]


def _matrix(path: Path) -> Matrix:
    return np.array([[float(cell) for cell in list(row.values())[1:]] for row in _rows(path)])


def _plain(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower()
