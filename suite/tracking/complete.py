"""Reads the runs whose result is in MLflow: all of them, or those of some recipes.

MLflow's own search makes an object of each value that a run has, about seventy, and needs ten times as long. So where
its tables are in a database that this process opens, they are read as they are. MLflow does not promise their columns:
with other versions than the tested one, and behind a server, the search answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suite.tracking.store import Store, is_database, search
from suite.tracking.views import TESTED

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, RunInfo
    from mlflow.entities import Run as MlflowRun
    from sqlalchemy import Connection, Select

COMPLETE = "tags.`suite.complete` = 'true'"


def complete_runs(store: Store) -> "list[MlflowRun]":
    """All runs with a result, the newest first."""
    return _from_tables(store) if _is_known(store) else search(store, COMPLETE)


def runs_of(store: Store, identities: Iterable[str]) -> "list[MlflowRun]":
    """The runs with a result of the recipes whose identities begin so, and of earlier texts of these recipes.

    An identity's beginning is of hexadecimal digits. The earlier ones tell whether a recipe is the current one.
    """
    found = [run for one in identities for run in search(store, f"{COMPLETE} and tags.`suite.identity` LIKE '{one}%'")]
    named = {(run.data.tags["suite.experiment"], run.data.tags["suite.overrides"]) for run in found}
    if any("'" in text for pair in named for text in pair):  # which MLflow's language of queries cannot say
        return complete_runs(store)
    for experiment, overrides in sorted(named):
        also = f"tags.`suite.experiment` = '{experiment}' and tags.`suite.overrides` = '{overrides}'"
        found += search(store, f"{COMPLETE} and {also}")
    return list({run.info.run_id: run for run in found}.values())


@dataclass(frozen=True)
class _Data:
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Inputs:
    dataset_inputs: "list[DatasetInput]" = field(default_factory=list)


@dataclass(frozen=True)
class _Run:
    """What a report and the mirror look at of MLflow's runs, under the same names."""

    info: "RunInfo"
    data: _Data = field(default_factory=_Data)
    inputs: _Inputs = field(default_factory=_Inputs)


def _is_known(store: Store) -> bool:
    import mlflow

    return is_database(store.uri) and mlflow.__version__.split(".")[:2] == TESTED.split(".")


def _from_tables(store: Store) -> "list[MlflowRun]":
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlParam, SqlTag
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    with create_engine(store.uri, poolclass=NullPool).connect() as database:
        runs = _infos(store, database)
        for run_id, key, value in database.execute(_of_complete(SqlTag, SqlTag.key, SqlTag.value)):
            if run_id in runs:
                runs[run_id].data.tags[key] = value
        for run_id, key, value in database.execute(_of_complete(SqlParam, SqlParam.key, SqlParam.value)):
            if run_id in runs:
                runs[run_id].data.params[key] = value
        columns = (SqlLatestMetric.key, SqlLatestMetric.value, SqlLatestMetric.is_nan)
        for run_id, key, value, is_nan in database.execute(_of_complete(SqlLatestMetric, *columns)):
            if run_id in runs:
                runs[run_id].data.metrics[key] = float("nan") if is_nan else value
        _add_inputs(database, runs)
    return [*runs.values()]


def _of_complete(table: Any, *columns: Any) -> "Select[Any]":
    """These columns of a table, after the run's id, for runs with a result."""
    from mlflow.store.tracking.dbmodels.models import SqlTag
    from sqlalchemy import select
    from sqlalchemy.orm import aliased

    mark = aliased(SqlTag)
    joined = select(table.run_uuid, *columns).join(mark, mark.run_uuid == table.run_uuid)
    return joined.where(mark.key == "suite.complete", mark.value == "true")


def _infos(store: Store, database: "Connection") -> dict[str, _Run]:
    from mlflow.entities import RunInfo
    from mlflow.store.tracking.dbmodels.models import SqlRun

    columns = (SqlRun.name, SqlRun.user_id, SqlRun.status, SqlRun.start_time, SqlRun.end_time, SqlRun.artifact_uri)
    here = (SqlRun.experiment_id == int(store.experiment_id), SqlRun.lifecycle_stage == "active")
    wanted = _of_complete(SqlRun, *columns).where(*here).order_by(SqlRun.start_time.desc(), SqlRun.run_uuid)
    return {
        run_id: _Run(RunInfo(run_id, store.experiment_id, user, status, began, ended, "active", where, run_name=name))
        for run_id, name, user, status, began, ended, where in database.execute(wanted)
    }


def _add_inputs(database: "Connection", runs: dict[str, _Run]) -> None:
    """Add the data sets of the runs: one object for each set, which the runs share."""
    from mlflow.entities import Dataset, DatasetInput
    from mlflow.store.tracking.dbmodels.models import SqlDataset, SqlInput
    from sqlalchemy import select

    columns = (SqlDataset.name, SqlDataset.digest, SqlDataset.dataset_source_type, SqlDataset.dataset_source)
    sets = {
        row[0]: DatasetInput(Dataset(*row[1:])) for row in database.execute(select(SqlDataset.dataset_uuid, *columns))
    }
    of_runs = (SqlInput.source_type == "DATASET", SqlInput.destination_type == "RUN")
    for run_id, which in database.execute(select(SqlInput.destination_id, SqlInput.source_id).where(*of_runs)):
        if run_id in runs and which in sets:
            runs[run_id].inputs.dataset_inputs.append(sets[which])
