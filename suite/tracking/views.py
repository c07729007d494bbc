"""Saved views for MLflow's pages, stored as tags of the MLflow experiment; MLflow's menu lists them too.

If the address has `viewStateShareKey=KEY`, MLflow's page reads the view from the tag `mlflow.sharedViewState.KEY`.
Without a view it hides all metric columns and orders charts by the prefixes of their names. MLflow does not promise
this format. So the views are written only for tested versions; other versions show their own layout.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from suite.tracking.store import Store, TrackerAway, answering

if TYPE_CHECKING:
    from mlflow.entities import Experiment

TESTED = "3.17"  # the versions of MLflow that the views were tested with, 3.17.x
TAG = "mlflow.sharedViewState."
MODE = "workflowType=machine_learning"  # without it MLflow opens its view for language models
COLUMNS = {  # columns from left to right, with their widths in pixels
    "params.`experiment`": 120,
    "params.`seed`": 60,
    "metrics.`test/accuracy`": 120,
    "metrics.`test/accuracy_sd`": 135,  # this and the next one are figures of the parent rows
    "metrics.`seeds/n`": 75,
    "metrics.`perf/train_seconds`": 150,
    "metrics.`perf/train_images_per_second`": 215,
    "params.`lr`": 80,
    "params.`batch_size`": 95,
    "attributes.`Dataset`": 260,
}
FIGURES = (
    *("test/accuracy", "perf/train_seconds", "perf/train_images_per_second"),
    *("perf/inference_images_per_second", "perf/peak_memory_mib", "network/parameters"),
)
CURVES = ("train/loss", "train/accuracy", "epoch/test_accuracy", "val/loss", "val/accuracy")
SECTIONS = (("Final figures", "BAR", FIGURES), ("Curves by epoch", "LINE", CURVES))
CLOSED = ("network", "perf", "test", "train", "val")  # sections of the charts that MLflow adds for all other metrics


AXES = ("lr", "batch_size")  # the parameters that a comparison always shows
MORE_AXES = ("data", "epochs", "optimizer", "momentum", "weight_decay")  # shown where the runs differ in them


@dataclass(frozen=True)
class View:
    """One page of MLflow's UI: its name, which runs it shows in which order, and whether as a table or as charts.

    `state` has the view's parts that differ from those of the other views, in MLflow's format.
    """

    key: str
    name: str
    facets: dict[str, str] = field(default_factory=dict)
    page: dict[str, str] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def address(self, *, saved: bool) -> str:
        """The query part of the URL: the saved view's key, or a filter of the runs if the view could not be saved.

        Never both: if the URL has a filter, MLflow ignores the view.
        """
        words = {"viewStateShareKey": self.key} if saved else self.facets
        return "&".join(part for part in (urlencode({**words, **self.page}, quote_via=quote), MODE) if part)


# No filter, and ordered by start time: else MLflow shows parents and their seeds on the same level.
TABLE = View("suite-table", "Suite: recipes and their seeds")
# Single seeds, the best first. Parents are left out: they have no curves by epoch.
CHARTS = View(
    "suite-charts",
    "Suite: every seed, best first",
    {"searchFilter": "tags.`suite.kind` = 'run'", "orderByKey": "metrics.`test/accuracy`"},
    {"compareRunsMode": "CHART"},
)


def comparison(parameters: Mapping[str, Mapping[str, str]]) -> View:
    """The runs with these ids beside each other, as parallel axes: what matters of their parameters, and test accuracy.

    MLflow's own page of a comparison takes the first names by alphabet, and its address cannot choose others. A
    parameter that is the same in all runs gets no axis, except for those of `AXES`; and none that a run lacks, because
    MLflow would hide that run.
    """
    every = [{one.get(name) for one in parameters.values()} for name in MORE_AXES]
    varied = [name for name, values in zip(MORE_AXES, every, strict=True) if len(values) > 1 and None not in values]
    axes = {"selectedParams": [*AXES, *varied], "selectedMetrics": ["test/accuracy"], "showAllRuns": True}
    chart = _chart("Comparison", "PARALLEL", "test/accuracy") | {"uuid": "suite comparison", **axes}
    sections, charts = _STATE["compareRunSections"], _STATE["compareRunCharts"]
    listed = ", ".join(f"'{run}'" for run in parameters)
    return View(
        "suite-comparison",
        "Suite: the latest run of each recipe",
        {"searchFilter": f"attributes.run_id IN ({listed})", "orderByKey": "metrics.`test/accuracy`"},
        {"compareRunsMode": "CHART"},
        {
            "compareRunSections": [_section("Comparison", shown=True), *sections],
            "compareRunCharts": [chart, *charts],
        },
    )


def save(store: Store, *more: View) -> bool:
    """Write the views, and `more` of them, to the experiment if they are missing; returns whether they are there now.

    They are not written if the version of MLflow is not a tested one.
    """
    import mlflow

    if mlflow.__version__.split(".")[:2] != TESTED.split("."):
        return False
    try:
        with answering():
            experiment = store.client.get_experiment(store.experiment_id)
            for view in (TABLE, CHARTS, *more):
                value = _envelope(view, experiment)
                if experiment.tags.get(TAG + view.key) != value:
                    store.client.set_experiment_tag(store.experiment_id, TAG + view.key, value)
    except TrackerAway:  # the server may be read-only; its pages work without the views
        return False
    return True


def _envelope(view: View, experiment: "Experiment") -> str:
    """The tag's value. Name and time put it into MLflow's menu; it is compressed because of servers' length limit."""
    packed = base64.b64encode(zlib.compress(json.dumps({**_STATE, **view.state, **view.facets}).encode(), 9)).decode()
    return json.dumps({"name": view.name, "createdAt": experiment.creation_time, "state": f"deflate;{packed}"})


def _section(name: str, *, shown: bool) -> dict[str, Any]:
    return {"uuid": name, "name": name, "display": shown, "isReordered": shown, "deleted": False, "isGenerated": False}


def _chart(section: str, kind: str, metric: str) -> dict[str, Any]:
    shown = {
        "uuid": f"suite {metric}",
        "type": kind,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
    }
    shown |= {"metricKey": metric, "selectedMetricKeys": [metric], "runsCountToCompare": 100}
    if kind == "LINE":  # every field is needed: MLflow does not fill in missing ones
        shown |= {"scaleType": "linear", "xAxisScaleType": "linear", "range": {}, "lineSmoothness": 0}
        shown |= {"xAxisKey": "step", "selectedXAxisMetricKey": "", "yAxisKey": "metric", "yAxisExpressions": []}
        shown |= {"ignoreOutliers": False, "useGlobalXaxisKey": True, "useGlobalLineSmoothing": True}
    return shown


_STATE: dict[str, Any] = {
    "selectedColumns": list(COLUMNS),
    "columnOrder": list(COLUMNS),
    "columnWidths": COLUMNS,
    "runsHiddenMode": "SHOW_ALL",
    "isAccordionReordered": True,  # without it MLflow sorts the sections by name
    "compareRunSections": [
        *(_section(name, shown=True) for name, *_ in SECTIONS),
        *(_section(name, shown=False) for name in CLOSED),
    ],
    "compareRunCharts": [_chart(section, kind, metric) for section, kind, metrics in SECTIONS for metric in metrics],
}
