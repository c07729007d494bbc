"""The two saved views of MLflow's pages: written once, small enough, only about existing metrics, and optional."""

import base64
import json
import zlib
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mlflow import MlflowException

from suite.tracking import views

pytestmark = pytest.mark.mlflow
LIMIT = 5_000  # the largest tag of an experiment in older versions of MLflow, in letters


@dataclass(frozen=True)
class ReadOnly:
    """A client whose server allows no writing."""

    client: Any

    def get_experiment(self, experiment_id: str) -> Any:
        return self.client.get_experiment(experiment_id)

    def set_experiment_tag(self, *_: str) -> None:
        raise MlflowException("Permission denied")


@pytest.fixture
def read_only(store):
    return replace(store, client=ReadOnly(store.client))


def tags_of(store):
    return {
        key: value
        for key, value in store.client.get_experiment(store.experiment_id).tags.items()
        if key.startswith(views.TAG)
    }


def test_where_it_may_not_be_written_addresses_choose_the_runs_themselves(store, read_only):
    for key in tags_of(store):
        store.client.delete_experiment_tag(store.experiment_id, key)

    assert not views.save(read_only)
    assert views.TABLE.address(saved=False) == views.MODE
    assert "searchFilter=tags.%60suite.kind%60%20%3D%20%27run%27" in views.CHARTS.address(saved=False)
    assert "compareRunsMode=CHART" in views.CHARTS.address(saved=False)


@pytest.mark.parametrize("version", ["3.16.1", "3.18.0", "3.170.0", "3.1.17", "4.0.0", "3"])
def test_with_another_version_of_mlflow_no_view_is_written_and_the_links_open_its_own_layout(
    store, monkeypatch, version
):
    for key in tags_of(store):
        store.client.delete_experiment_tag(store.experiment_id, key)
    monkeypatch.setattr("mlflow.__version__", version)

    saved = views.save(store)

    assert not saved
    assert tags_of(store) == {}
    assert not any("viewStateShareKey" in view.address(saved=saved) for view in (views.TABLE, views.CHARTS))


@pytest.mark.parametrize("patch", ["0", "2", "9rc1"])
def test_with_a_tested_version_of_mlflow_both_views_are_written(store, monkeypatch, patch):
    for key in tags_of(store):
        store.client.delete_experiment_tag(store.experiment_id, key)
    monkeypatch.setattr("mlflow.__version__", f"{views.TESTED}.{patch}")

    saved = views.save(store)

    assert saved
    assert tags_of(store).keys() == {views.TAG + view.key for view in (views.TABLE, views.CHARTS)}
    assert all("viewStateShareKey" in view.address(saved=saved) for view in (views.TABLE, views.CHARTS))


def test_what_stands_there_is_not_written_again(store, read_only):
    assert views.save(store)
    before = tags_of(store)

    assert views.save(read_only)  # it cannot write, but nothing had to be written
    assert views.save(store)
    assert tags_of(store) == before


def test_what_somebody_changed_is_written_anew(store):
    views.save(store)
    before = tags_of(store)
    store.client.set_experiment_tag(store.experiment_id, views.TAG + views.TABLE.key, "{}")

    views.save(store)

    assert tags_of(store) == before


def test_a_saved_view_is_named_alone_in_its_address():
    """If an address also selects runs, MLflow ignores the saved view."""
    assert views.TABLE.address(saved=True) == f"viewStateShareKey=suite-table&{views.MODE}"
    assert views.CHARTS.address(saved=True) == f"viewStateShareKey=suite-charts&compareRunsMode=CHART&{views.MODE}"


def test_every_column_and_chart_is_of_something_that_runs_have(store, trained, send):
    """Otherwise a renamed metric would leave an empty column."""
    run = store.client.get_run(send(trained(epochs=2, holdout=0.1)))
    views.save(store)
    tags = tags_of(store)
    held = {f"metrics.`{name}`" for name in run.data.metrics} | {f"params.`{name}`" for name in run.data.params}

    assert len(tags) == 2
    for value in tags.values():
        assert len(value) < LIMIT
        state = json.loads(zlib.decompress(base64.b64decode(json.loads(value)["state"].removeprefix("deflate;"))))
        assert set(state["selectedColumns"]) - held == {"attributes.`Dataset`"}
        assert {chart["metricKey"] for chart in state["compareRunCharts"]} <= run.data.metrics.keys()
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == {"Final figures", "Curves by epoch"}
