"""The saved views of MLflow's pages: written once, small enough, only about existing metrics, and optional."""

import base64
import json
import zlib
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mlflow import MlflowException

from suite.tracking import views
from suite.tracking.metrics import over_seeds

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
    latest = views.comparison({f"{number:032x}": run.data.params | {"lr": str(number)} for number in range(12)})
    views.save(store, latest)
    tags = tags_of(store)
    metrics = over_seeds([run.data.metrics] * 2)  # those of a parent row
    held = {f"metrics.`{name}`" for name in {*run.data.metrics, *metrics}} | {
        f"params.`{name}`" for name in run.data.params
    }

    assert len(tags) == 3
    for value in tags.values():
        assert len(value) < LIMIT
        state = state_of(value)
        assert set(state["selectedColumns"]) - held == {"attributes.`Dataset`"}
        assert {chart["metricKey"] for chart in state["compareRunCharts"]} <= run.data.metrics.keys()
        sections = {chart["metricSectionId"] for chart in state["compareRunCharts"]}
        assert sections - {"Comparison"} == {"Final figures", "Curves by epoch"}
    assert set(views.AXES + views.MORE_AXES) <= run.data.params.keys()


def state_of(value):
    """The state in a view's tag."""
    return json.loads(zlib.decompress(base64.b64decode(json.loads(value)["state"].removeprefix("deflate;"))))


def axes_of(parameters):
    [chart] = [one for one in views.comparison(parameters).state["compareRunCharts"] if one["type"] == "PARALLEL"]
    return chart["selectedParams"], chart["selectedMetrics"]


def test_a_comparison_has_axes_for_what_matters_and_for_what_was_varied():
    runs = {"one": {"lr": "1", "epochs": "3", "betas": "a"}, "two": {"lr": "1", "epochs": "4", "betas": "b"}}

    assert axes_of(runs) == (["lr", "batch_size", "epochs"], ["test/accuracy"])
    without = {**runs, "old": {"lr": "1"}}  # MLflow hides a run that lacks the parameter of an axis
    assert axes_of(without) == (["lr", "batch_size"], ["test/accuracy"])
    assert axes_of({"one": runs["one"]}) == (["lr", "batch_size"], ["test/accuracy"])


def test_a_comparison_shows_its_runs_and_no_others():
    assert views.comparison({"one": {}, "two": {}}).facets["searchFilter"] == "attributes.run_id IN ('one', 'two')"
