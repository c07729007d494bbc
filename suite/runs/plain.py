"""Jobs and events as plain values, for a file between machines: no pickle is ever loaded from a file."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suite.disk.journal import Run
from suite.recipe.trial import Budget
from suite.runs.events import Busy, Done, Ended, EpochEnded, Event, Failed, Started, Step
from suite.runs.worker import Job

Plain = dict[str, Any]

_KINDS: dict[str, Callable[..., Event]] = {
    "started": Started, "step": Step, "epoch": EpochEnded, "done": Done, "failed": Failed, "busy": Busy, "ended": Ended,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


def plain_job(job: Job) -> Plain:
    """The job as values that JSON can hold."""
    run = job.run
    return {
        "run": {
            "experiment": run.experiment,
            "identity": run.identity,
            "seed": run.seed,
            "folder": str(run.folder),
            "only": dict(run.only),
        },
        "data_folder": str(job.data_folder),
        "overrides": dict(job.overrides),
        "folders": [str(folder) for folder in job.folders],
        "budget": asdict(job.budget) if job.budget else None,
        "portion": job.portion,
        "portable": job.portable,
        "file": str(job.file) if job.file else None,
        "images": job.images,
    }


def job_of(facts: Plain) -> Job:
    """The job that `plain_job` gave, also after JSON made its tuples lists. Raises `KeyError` or `TypeError`."""
    run = facts["run"]
    return Job(
        Run(run["experiment"], run["identity"], run["seed"], Path(run["folder"]), run["only"]),
        Path(facts["data_folder"]),
        {name: _frozen(value) for name, value in facts["overrides"].items()},
        tuple(Path(folder) for folder in facts["folders"]),
        Budget(**facts["budget"]) if facts["budget"] else None,
        facts["portion"],
        facts["portable"],
        Path(facts["file"]) if facts["file"] else None,
        facts["images"],
    )


def plain_event(event: Event) -> Plain:
    """The event as values that JSON can hold, in Python's own form of it, which has NaN and infinity."""
    return {"event": _NAMES[type(event)], "values": [getattr(event, name) for name in event.__dataclass_fields__]}


def event_of(facts: Mapping[str, Any]) -> Event:
    """The event that `plain_event` gave. Raises `KeyError` or `TypeError` for anything else."""
    return _KINDS[facts["event"]](*facts["values"])


def _frozen(value: Any) -> Any:
    """A recipe's value: it has tuples where JSON has lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
