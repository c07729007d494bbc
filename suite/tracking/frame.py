"""MLflow's record read back: a pandas frame of finished runs, and their artifacts as files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.home import Home
from suite.tracking.mirror import search
from suite.tracking.store import Store, TrackerAway, answering, open_store, tracking_uri, unreachable
from suite.words import clean

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun


def finished_runs(store: Store) -> "pd.DataFrame":
    """A row per finished or diverged run, newest copy of each: identity, seed, parameters, metrics, environment."""
    import pandas as pd

    with answering():
        found = search(store, "tags.`suite.complete` = 'true'")
    rows = pd.DataFrame([_row(run) for run in found])
    if rows.empty:
        return rows
    newest = rows.sort_values("started").drop_duplicates(["identity", "seed"], keep="last")
    return newest.sort_values(["experiment", "identity", "seed"], ignore_index=True)


def run_key(home: Home, run_id: str) -> tuple[str, int] | None:
    """Identity and seed of the run that MLflow knows under this id; None where it knows none."""
    try:
        store = open_store(home)
        with answering():
            found = search(store, f"attributes.run_id = '{run_id}' and tags.`suite.kind` = 'run'")
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    return (found[0].data.tags["suite.identity"], int(found[0].data.tags["suite.seed"])) if found else None


def download(store: Store, run_id: str, name: str, into: Path) -> Path | None:
    """A run's artifact as a local file, None where the run has no such artifact."""
    with answering():
        names = {item.path for item in store.client.list_artifacts(run_id)}
        return Path(store.client.download_artifacts(run_id, name, str(into))) if name in names else None


def _row(run: "MlflowRun") -> dict[str, Any]:
    """What others wrote on a shared server is words, and nothing that speaks to a terminal."""
    tags, params = clean(run.data.tags), clean(run.data.params)
    return {
        "run_id": run.info.run_id,
        "started": run.info.start_time,
        "experiment": tags["suite.experiment"],
        "identity": tags["suite.identity"],
        "seed": int(tags["suite.seed"]),
        "status": tags["suite.status"],
        "overrides": clean(json.loads(tags["suite.overrides"])),
        "source": clean(json.loads(tags["suite.source"])),
        "weights_sha256": tags["suite.weights_sha256"],
        "commit": tags.get("mlflow.source.git.commit", ""),
        **{f"param.{key}": value for key, value in params.items()},
        **{key: tags[key] for key in tags if key.startswith("suite.env.")},
        **run.data.metrics,
    }
