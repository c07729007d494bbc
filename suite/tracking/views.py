"""How MLflow's pages show our runs: two saved views, which its own menu lists too, kept as tags of the experiment.

MLflow's pages read a view from `mlflow.sharedViewState.KEY` where the address says `viewStateShareKey=KEY`; without one
they hide every metric's column and lay charts out by the prefixes of names. Keys and shapes are no promise of
MLflow's: the views are written where they were tested, and other versions show their own layout.
"""

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from suite.tracking.store import Store, TrackerAway, answering

if TYPE_CHECKING:
    from mlflow.entities import Experiment

TESTED = "3.17"  # the versions of MLflow that the views were tested with, 3.17.x
TAG = "mlflow.sharedViewState."
MODE = "workflowType=machine_learning"  # else MLflow opens the view that is made for language models
COLUMNS = {  # from left to right, with their widths in pixels
    "params.`experiment`": 120,
    "params.`seed`": 60,
    "metrics.`test/accuracy`": 120,
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
CLOSED = ("network", "perf", "test", "train", "val")  # MLflow makes charts of all other metrics, in these sections


@dataclass(frozen=True)
class View:
    """A page of MLflow's on our runs: what it is called, which runs, in what order, as a table or as charts."""

    key: str
    name: str
    facets: dict[str, str] = field(default_factory=dict)
    page: dict[str, str] = field(default_factory=dict)

    def address(self, *, saved: bool) -> str:
        """What follows the `?`: the saved view's key, or where it could not be saved at least which runs.

        Not both: where runs are chosen in the address MLflow does not look at the view.
        """
        words = {"viewStateShareKey": self.key} if saved else self.facets
        return "&".join(part for part in (urlencode({**words, **self.page}, quote_via=quote), MODE) if part)


# Ordered by anything but their start, or filtered, MLflow would lay out parents and their seeds as if they were equals.
TABLE = View("suite-table", "Suite: recipes and their seeds")
# Single seeds, best first: their parents have no curves by epoch.
CHARTS = View(
    "suite-charts",
    "Suite: every seed, best first",
    {"searchFilter": "tags.`suite.kind` = 'run'", "orderByKey": "metrics.`test/accuracy`"},
    {"compareRunsMode": "CHART"},
)


def save(store: Store) -> bool:
    """Write both views to the experiment, where they are not written yet; returns whether they stand there now.

    They do not where MLflow is not of a version that the views were tested with.
    """
    import mlflow

    if mlflow.__version__.split(".")[:2] != TESTED.split("."):
        return False
    try:
        with answering():
            experiment = store.client.get_experiment(store.experiment_id)
            for view in (TABLE, CHARTS):
                value = _envelope(view, experiment)
                if experiment.tags.get(TAG + view.key) != value:
                    store.client.set_experiment_tag(store.experiment_id, TAG + view.key, value)
    except TrackerAway:  # a server may let us read only: its pages work without
        return False
    return True


def _envelope(view: View, experiment: "Experiment") -> str:
    """The tag's value: with a name and a time MLflow's menu has it; compressed, for servers that take 5,000 letters."""
    packed = base64.b64encode(zlib.compress(json.dumps({**_STATE, **view.facets}).encode(), 9)).decode()
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
    if kind == "LINE":  # MLflow fills in no field that is missing
        shown |= {"scaleType": "linear", "xAxisScaleType": "linear", "range": {}, "lineSmoothness": 0}
        shown |= {"xAxisKey": "step", "selectedXAxisMetricKey": "", "yAxisKey": "metric", "yAxisExpressions": []}
        shown |= {"ignoreOutliers": False, "useGlobalXaxisKey": True, "useGlobalLineSmoothing": True}
    return shown


_STATE = {
    "selectedColumns": list(COLUMNS),
    "columnOrder": list(COLUMNS),
    "columnWidths": COLUMNS,
    "runsHiddenMode": "SHOW_ALL",
    "isAccordionReordered": True,  # else the sections are sorted by name
    "compareRunSections": [
        *(_section(name, shown=True) for name, *_ in SECTIONS),
        *(_section(name, shown=False) for name in CLOSED),
    ],
    "compareRunCharts": [_chart(section, kind, metric) for section, kind, metrics in SECTIONS for metric in metrics],
}
