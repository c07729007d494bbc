"""Reads MLflow's record: the finished runs, and the unfinished ones, as pandas frames."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.disk.home import Home
from suite.text import clean, printable
from suite.tracking.complete import complete_runs, runs_of
from suite.tracking.store import Store, TrackerAway, answering, open_store, search, tracking_uri, unreachable
from suite.tracking.whose import HOME

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

TITLE = 80  # letters of a data set's title: on a shared server anyone may have written it


def finished_runs(store: Store, identities: Sequence[str] = ()) -> "pd.DataFrame":
    """One row for each finished or diverged run: identity, seed, parameters, metrics, environment.

    If the beginnings of `identities` are given, only the runs of these recipes, and of earlier texts of them.

    If several homes trained a recipe under the same seed, or one home did so twice, the row is the one of the store's
    own home, and of those the newest.
    """
    import pandas as pd

    with answering():
        found = runs_of(store, identities) if identities else complete_runs(store)
    rows = pd.DataFrame([_row(run) for run in found])
    if rows.empty:
        return rows
    own = rows["home"] == store.home
    newest = rows.assign(own=own).sort_values(["own", "started"]).drop_duplicates(["identity", "seed"], keep="last")
    return newest.drop(columns="own").sort_values(["experiment", "identity", "seed"], ignore_index=True)


def run_key(home: Home, run_id: str) -> tuple[str, int] | None:
    """The identity and seed of the run with this MLflow id; None if there is no such run."""
    try:
        store = open_store(home)
        with answering():
            found = search(store, f"attributes.run_id = '{run_id}' and tags.`suite.kind` = 'run'")
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    return (found[0].data.tags["suite.identity"], int(found[0].data.tags["suite.seed"])) if found else None


def unfinished_runs(store: Store, finished: "pd.DataFrame") -> "pd.DataFrame":
    """One row for each run without a result: experiment, identity, seed, overrides, the data's title, status.

    If another run with the same recipe and seed is in `finished`, the run is left out. The status is `running`,
    `failed` or `interrupted`.
    """
    import pandas as pd

    with answering():
        begun = search(store, "tags.`suite.kind` = 'run' and attributes.status != 'FINISHED'")
    keys = set() if finished.empty else set(zip(finished["identity"], finished["seed"], strict=True))
    words = {"FAILED": "failed", "KILLED": "interrupted"}
    begun.sort(key=lambda run: (run.data.tags.get(HOME) == store.home, run.info.start_time))  # our own is the last word
    rows = [
        {**_whose(run), "status": words.get(run.info.status, "running")}
        for run in begun if "suite.complete" not in run.data.tags
    ]  # fmt: skip
    last = {(row["identity"], row["seed"]): row for row in rows}
    return pd.DataFrame([row for key, row in last.items() if key not in keys])


def _row(run: "MlflowRun") -> dict[str, Any]:
    """A run as a row. Control characters are removed: on a shared server anyone may have written the texts."""
    tags, params = clean(run.data.tags), clean(run.data.params)
    return {
        "run_id": run.info.run_id,
        "artifact_uri": run.info.artifact_uri,
        "started": run.info.start_time,
        "finished": _finished(run),
        "home": tags.get(HOME, ""),
        **_whose(run),
        "status": tags["suite.status"],
        "source": clean(json.loads(tags["suite.source"])),
        "weights_sha256": tags["suite.weights_sha256"],
        "commit": tags.get("mlflow.source.git.commit", ""),
        **{f"param.{key}": value for key, value in params.items()},
        "image": tags.get("suite.image", "1×28×28"),
        **{key: tags[key] for key in tags if key.startswith("suite.env.")},
        **run.data.metrics,
    }


def _whose(run: "MlflowRun") -> dict[str, Any]:
    tags = clean(run.data.tags)
    return {
        "experiment": tags["suite.experiment"],
        "identity": tags["suite.identity"],
        "seed": int(tags["suite.seed"]),
        "overrides": clean(json.loads(tags["suite.overrides"])),
        "data_title": _data_title(run),
    }


def _data_title(run: "MlflowRun") -> str:
    """The data set's title as `facts.datasets` writes it; empty if the record has none."""
    for given in run.inputs.dataset_inputs if run.inputs else []:
        try:
            title = json.loads(given.dataset.source)["tags"]["title"]
        except (ValueError, TypeError, LookupError, RecursionError):
            continue
        if isinstance(title, str):
            return " ".join(printable(title).split())[:TITLE]
    return ""


def _finished(run: "MlflowRun") -> int:
    """The time when the result was written, in milliseconds since 1970. If the tag is missing, MLflow's end time."""
    sent = str(run.data.tags.get("suite.finished", ""))
    return int(sent) if sent.isdecimal() else int(run.info.end_time or run.info.start_time)
