"""Studies in MLflow: a parent run for each study, a child run for each trial. Every call may be repeated."""

import hashlib
import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk.documents import STUDY, Record, document, read_document
from suite.errors import SuiteError
from suite.text import clean, printable
from suite.tracking.facts import user
from suite.tracking.store import Store, answering, is_database, search
from suite.tracking.whose import HOME, of_home

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

EXPERIMENT = "suite-studies"
STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
DOCUMENT = "study.json"
_NOTE = """Studies of the suite. A parent run is one study; the runs beneath it are its trials, judged by validation
images: `accuracy` is the mean over a trial's seeds, `log10_lr` the axis on which learning rates are even."""


def send_study(store: Store, facts: Record, note: str, *, running: bool = False) -> bool:
    """Copy what is missing of a study in the store; returns whether anything was sent. Raises `TrackerAway`.

    A trial is sent after its end, because then it does not change any more.
    """
    with answering():
        experiment = _experiment(store)
        key = hashlib.sha256(json.dumps([facts["study"], facts["rules"]], sort_keys=True).encode()).hexdigest()
        digest = hashlib.sha256(document(facts)).hexdigest()
        parent = _parent(store, experiment, facts, key)
        known = {run.data.tags["suite.trial"]: run for run in _trials(store, experiment, parent.info.run_id)}
        for trial in facts["trials"]:
            run = known.get(str(trial["number"]))
            if trial["state"] in STATUS and (run is None or "suite.complete" not in run.data.tags):
                run_id = run.info.run_id if run else _create_trial(store, experiment, facts, trial, key, parent)
                _send_trial(store, run_id, facts, trial)
        status = "RUNNING" if running else "FINISHED" if facts["outcome"] else "KILLED"
        changed = bool(parent.data.tags.get("suite.sha256") != digest)
        if changed:
            _send_parent(store, parent, facts, note, digest)
        if parent.info.status != status:
            store.client.update_run(parent.info.run_id, status=status)
        return changed


def read_studies(store: Store, scratch: Path) -> list[Record]:
    """The documents of all studies in the store, by name; `scratch` is a folder for downloads.

    For a damaged or foreign document, there are only its name and `damaged`, the MLflow id.
    """
    found = []
    with answering():
        experiment = store.client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return []
        query = "tags.`suite.kind` = 'study' and tags.`suite.sha256` != ''"
        studies = search(store, query, experiment.experiment_id)
        studies.sort(key=lambda run: (run.data.tags.get(HOME) == store.home, run.info.start_time))
        # Another home's study of the same name and rules is the same search, with other numbers: ours is shown.
        for run in {run.data.tags["suite.study"]: run for run in studies}.values():
            folder = scratch / run.info.run_id
            folder.mkdir()
            path = Path(store.client.download_artifacts(run.info.run_id, DOCUMENT, str(folder)))
            try:
                found.append(clean(read_document(path, STUDY)))
            except SuiteError:
                found.append({"study": printable(run.info.run_name or ""), "damaged": run.info.run_id})
    return sorted(found, key=lambda facts: (facts["study"], json.dumps(facts.get("rules"), sort_keys=True)))


def latest_trials(store: Store) -> tuple[str, list[str]]:
    """The MLflow ids of the experiment of studies, and of those trials of the latest study that have a value."""
    with answering():
        experiment = store.client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return "", []
        trials = search(store, "tags.`suite.kind` = 'trial'", experiment.experiment_id)
        ended = [run for run in trials if "accuracy" in run.data.metrics]
        latest = max((run for run in ended), key=lambda run: run.info.start_time, default=None)
        of = latest.data.tags["mlflow.parentRunId"] if latest else ""
        same = [run.info.run_id for run in ended if run.data.tags["mlflow.parentRunId"] == of]
        return experiment.experiment_id, same


def _experiment(store: Store) -> str:
    """The id of the studies' own MLflow experiment. They have one so that they do not mix with the runs."""
    from mlflow import MlflowException

    client = store.client
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        location = client.get_experiment(store.experiment_id).artifact_location
        tags = {"mlflow.note.content": _NOTE, "mlflow.experimentKind": "custom_model_development"}
        try:
            made = client.create_experiment(EXPERIMENT, location if is_database(store.uri) else None, tags)
            return str(made)
        except MlflowException:
            found = client.get_experiment_by_name(EXPERIMENT)  # another command created it at the same time
            if found is None:
                raise
    return str(found.experiment_id)


def _parent(store: Store, experiment: str, facts: Record, key: str) -> "MlflowRun":
    for one in of_home(search(store, f"tags.`suite.study` = '{key}'", experiment), store.home):
        if HOME in one.data.tags:
            return one
        if _began_here(_trials(store, experiment, one.info.run_id), facts):  # of an older version, which wrote no home
            store.client.set_tag(one.info.run_id, HOME, store.home)
            return one
    rules = facts["rules"]
    labels = {
        **_labels(facts, "study"),
        "suite.study": key,
        HOME: store.home,
    }
    made = store.client.create_run(experiment, run_name=facts["study"], tags=labels)
    names = ("budget", "seeds", "generation", "sampler", "study_seed", "objective", "pruning")
    values = {"experiment": facts["experiment"], **{name: rules[name] for name in names}}
    values |= {f"space.{name}": words for name, words in rules["space"].items()}
    _send_parameters(store, made.info.run_id, values)
    return store.client.get_run(made.info.run_id)


def _trials(store: Store, experiment: str, parent: str) -> "list[MlflowRun]":
    query = f"tags.`mlflow.parentRunId` = '{parent}' and tags.`suite.kind` = 'trial'"
    return search(store, query, experiment)


def _began_here(trials: "list[MlflowRun]", facts: Record) -> bool:
    """Whether the trials that the store has are this study's: each began when this one's did."""
    times = {str(trial["number"]): _begun(trial) for trial in facts["trials"] if trial["state"] in STATUS}
    return all(times.get(run.data.tags["suite.trial"]) == run.info.start_time for run in trials)


def _begun(trial: Record) -> int:
    """When a trial began, in milliseconds since 1970."""
    return int(trial["at"] - 1000 * trial["seconds"])


def _labels(facts: Record, kind: str) -> dict[str, str]:
    return {
        "mlflow.user": user(),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": f"python -m suite tune {facts['experiment']}",
        "suite.kind": kind,
        "suite.experiment": facts["experiment"],
    }


def _send_parent(store: Store, parent: "MlflowRun", facts: Record, note: str, digest: str) -> None:
    from mlflow.entities import Metric, RunTag

    run_id = parent.info.run_id
    with tempfile.TemporaryDirectory(prefix="suite-study-") as scratch:
        path = Path(scratch, DOCUMENT)
        path.write_bytes(document(facts))
        store.client.log_artifact(run_id, str(path))
    row = (facts.get("outcome") or {"rows": [{}]})["rows"][0]
    figures = {
        "trials": len(facts["trials"]),
        "winner/search": row.get("search"),
        "winner/fresh": row.get("mean"),
        "winner/drop": row.get("drop"),
        **{f"importance/{name}": share for name, share in facts["importances"].items()},
    }
    # MLflow shows the value with the latest time. We use the last trial's time, so a repeated value stays one value.
    at = max((trial.get("at", 0) for trial in facts["trials"]), default=0) + (1 if facts["outcome"] else 0)
    changed = {name: value for name, value in figures.items() if value not in (None, parent.data.metrics.get(name))}
    store.client.log_batch(
        run_id,
        metrics=[Metric(name, value, at, 0) for name, value in changed.items()],
        tags=[RunTag("mlflow.note.content", note), RunTag("suite.sha256", digest)],
    )


def _create_trial(store: Store, experiment: str, facts: Record, trial: Record, key: str, parent: "MlflowRun") -> str:
    labels = {
        **_labels(facts, "trial"),
        "mlflow.parentRunId": parent.info.run_id,
        "suite.of": key,
        HOME: store.home,
        "suite.trial": str(trial["number"]),
    }
    name = f"{facts['study']}-t{trial['number']:03d}"
    made = store.client.create_run(experiment, run_name=name, tags=labels, start_time=_begun(trial))
    return str(made.info.run_id)


def _send_trial(store: Store, run_id: str, facts: Record, trial: Record) -> None:
    """Send a trial's values, figures and state; last the tag `suite.complete`, without which all is sent again."""
    from mlflow.entities import Metric, RunTag

    values = {**trial["values"], "experiment": facts["experiment"]}
    if "lr" in values:
        values["log10_lr"] = round(math.log10(values["lr"]), 6)
    _send_parameters(store, run_id, values)
    accuracies = trial["accuracies"]
    figures = {}
    if accuracies and trial["state"] != "FAIL":
        figures["accuracy"] = sum(accuracies) / len(accuracies)  # first: MLflow's parallel coordinates begin with it
    figures |= {"perf/train_seconds": trial["seconds"], "perf/train_images_per_second": trial["images_per_second"]}
    figures |= {"trial/epochs": trial["epochs"], "trial/seeds": len(accuracies)}
    metrics = [Metric(name, value, trial["at"], 0) for name, value in figures.items()]
    metrics += [Metric("rung", value, trial["at"], int(step)) for step, value in trial["reports"].items()]
    store.client.log_batch(run_id, metrics=metrics)
    tags = {"suite.state": trial["state"], "suite.reason": trial["reason"]}
    store.client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items() if value])
    store.client.set_terminated(run_id, STATUS[trial["state"]], end_time=trial["at"])
    store.client.set_tag(run_id, "suite.complete", "true")


def _send_parameters(store: Store, run_id: str, values: dict[str, Any]) -> None:
    from mlflow.entities import Param

    store.client.log_batch(run_id, params=[Param(name, str(value)) for name, value in values.items()])
