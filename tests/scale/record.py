"""Writes MLflow's record of many runs in bulk: what the suite's own mirror sends, inserted as rows of MLflow's tables.

The mirror decides what is sent; only MLflow's client is another. It keeps the rows, and inserts those of hundreds of
runs in one transaction, which takes a hundredth of the time. A test compares its tables with those of the real client.
"""

import os
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk.documents import Result
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.tracking.mirror import Mirror
from suite.tracking.store import Store, open_store
from suite.tracking.whose import HOME

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Param, RunTag
    from mlflow.entities import Run as MlflowRun
    from sqlalchemy import Connection

TOGETHER = 500  # runs in one transaction


def record(home: Home, runs: Iterable[tuple[Run, Result | None]]) -> int:
    """Send runs that MLflow has not, with the means of their recipes; returns how many there were."""
    store = open_store(home)
    rows, sent = Rows(store), 0
    mirror = Mirror(replace(store, client=rows))
    for run, result in runs:
        mirror.send(run, result)
        sent += 1
        if sent % TOGETHER == 0:
            rows.insert()
    rows.insert()
    Mirror(store).sum_up()
    return sent


class Rows:
    """Stands for MLflow's client: answers that no run is known, and keeps what is sent until `insert`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._place = store.client.get_experiment(store.experiment_id).artifact_location
        self._runs: dict[str, dict[str, Any]] = {}
        self._values: dict[str, dict[tuple[str, str], Any]] = {"tags": {}, "params": {}}
        self._metrics: dict[tuple[str, str], dict[tuple[int, int], Metric]] = {}
        self._inputs: list[tuple[str, DatasetInput]] = []
        self._groups: dict[str, str] = {}  # the parent's id, by the recipe's identity
        self._experiment = int(store.experiment_id)

    def search_runs(self, ids: Sequence[str], query: str, **how: Any) -> Any:
        """The parent of a recipe; for a run nothing, because each is sent once."""
        from mlflow.store.entities import PagedList

        identity = re.fullmatch(r"tags\.`suite\.group` = '(\w+)'", query)
        if not identity:
            assert re.fullmatch(r"tags\.`suite\.run` = '[\w-]+'", query), query
            return PagedList([], None)
        if known := self._groups.get(identity[1]):
            return PagedList([self._entity(known)], None)
        found = self._store.client.search_runs(ids, query, **how)
        for one in found:
            self._groups[identity[1]] = one.info.run_id
            self._runs[one.info.run_id] = {"status": one.info.status, "inserted": True}
            self._values["tags"][one.info.run_id, HOME] = one.data.tags[HOME]
        return found

    def create_run(
        self, experiment_id: str, start_time: int | None = None, tags: dict[str, str] | None = None, run_name: str = ""
    ) -> "MlflowRun":
        """Begin a run, or a recipe's parent."""
        made, tags = uuid.uuid4().hex, {**(tags or {}), "mlflow.runName": run_name}
        self._runs[made] = {
            "run_uuid": made, "name": run_name, "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "",
            "user_id": tags["mlflow.user"], "status": "RUNNING", "start_time": start_time or int(time.time() * 1000),
            "end_time": None, "deleted_time": None, "source_version": "", "lifecycle_stage": "active",
            "artifact_uri": f"{self._place}/{made}/artifacts", "experiment_id": int(experiment_id),
        }  # fmt: skip
        self._values["tags"].update({(made, key): str(value) for key, value in tags.items()})
        if "suite.group" in tags:
            self._groups[tags["suite.group"]] = made
        return self._entity(made)

    def log_batch(
        self,
        run_id: str,
        metrics: "Sequence[Metric]" = (),
        params: "Sequence[Param]" = (),
        tags: "Sequence[RunTag]" = (),
    ) -> None:
        """Keep values; the latest of a metric is that of the highest step."""
        for name, values in (("params", params), ("tags", tags)):
            self._values[name].update({(run_id, one.key): one.value for one in values})
        for one in metrics:
            self._metrics.setdefault((run_id, one.key), {})[one.step, one.timestamp] = one

    def log_inputs(self, run_id: str, datasets: "Sequence[DatasetInput]") -> None:
        """Keep the data sets of a run."""
        self._inputs += [(run_id, one) for one in datasets]

    def log_artifact(self, run_id: str, path: str) -> None:
        """Link a file of the run's folder into MLflow's."""
        folder = Path(self._place.removeprefix("file://"), run_id, "artifacts")
        folder.mkdir(parents=True, exist_ok=True)
        os.link(path, folder / Path(path).name)

    def set_terminated(self, run_id: str, status: str, end_time: int | None = None) -> None:
        """End a run."""
        self._runs[run_id] |= {"status": status, "end_time": end_time or int(time.time() * 1000)}

    def insert(self) -> None:
        """Insert all rows that are kept, in one transaction."""
        from mlflow.store.tracking.dbmodels import models as tables
        from sqlalchemy import create_engine

        new = [row for row in self._runs.values() if "inserted" not in row]
        names = {row["run_uuid"] for row in new}
        engine = create_engine(self._store.uri)
        with engine.begin() as database:
            found = self._metrics.items()
            rows: list[tuple[Any, list[dict[str, Any]]]] = [
                (tables.SqlRun, new),
                (tables.SqlTag, self._texts("tags", names)),
                (tables.SqlParam, self._texts("params", names)),
                (tables.SqlMetric, [_point(key, one) for key, by_step in found for one in by_step.values()]),
                (tables.SqlLatestMetric, [_point(key, by_step[max(by_step)]) for key, by_step in found]),
                *self._input_rows(database),
            ]
            for table, values in rows:
                if values:
                    database.execute(table.__table__.insert(), values)
        engine.dispose()
        for row in new:
            row["inserted"] = True
        self._metrics, self._inputs = {}, []

    def _texts(self, kind: str, names: set[str]) -> list[dict[str, Any]]:
        """The tags or parameters of these runs as rows."""
        found = self._values[kind].items()
        return [{"run_uuid": run, "key": key, "value": value} for (run, key), value in found if run in names]

    def _input_rows(self, database: "Connection") -> list[tuple[Any, list[dict[str, Any]]]]:
        """The data sets that are new, and which run has which."""
        from mlflow.store.tracking.dbmodels import models as tables

        known = tables.SqlDataset.__table__.select().where(tables.SqlDataset.experiment_id == self._experiment)
        sets = {(one.name, one.digest): one.dataset_uuid for one in database.execute(known)}
        new, inputs, labels = [], [], []
        for run, given in self._inputs:
            one = given.dataset
            if (one.name, one.digest) not in sets:
                sets[one.name, one.digest] = uuid.uuid4().hex
                new.append({
                    "dataset_uuid": sets[one.name, one.digest], "experiment_id": self._experiment, "name": one.name,
                    "digest": one.digest, "dataset_source_type": one.source_type, "dataset_source": one.source,
                    "dataset_schema": one.schema, "dataset_profile": one.profile,
                })  # fmt: skip
            made = uuid.uuid4().hex
            inputs.append({"input_uuid": made, "source_type": "DATASET", "source_id": sets[one.name, one.digest],
                           "destination_type": "RUN", "destination_id": run, "step": 0})  # fmt: skip
            labels += [{"input_uuid": made, "name": tag.key, "value": tag.value} for tag in given.tags]
        return [(tables.SqlDataset, new), (tables.SqlInput, inputs), (tables.SqlInputTag, labels)]

    def _entity(self, run_id: str) -> "MlflowRun":
        """A run as MLflow answers it, as far as the mirror looks at it."""
        from mlflow.entities import Run, RunData, RunInfo, RunTag

        row = self._runs[run_id]
        tags = [RunTag(HOME, self._values["tags"][run_id, HOME])]
        info = RunInfo(run_id, str(self._experiment), "", row["status"], 0, None, "active")
        return Run(info, RunData(tags=tags))


def _point(key: tuple[str, str], one: "Metric") -> dict[str, Any]:
    """A value as a row; the copies have only finite ones."""
    return {"run_uuid": key[0], "key": key[1], "value": one.value, "timestamp": one.timestamp, "step": one.step,
            "is_nan": False}  # fmt: skip
