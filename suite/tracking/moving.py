"""Whether another MLflow has a home's whole record, with equal values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suite.tracking.store import EXPERIMENT, Store, answering, search
from suite.tracking.studies import EXPERIMENT as STUDIES
from suite.tracking.whose import HOME, began, of_home

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

MADE_LATER = ("suite.complete", "suite.begun", HOME)  # how a record came to be, not what it says
NAMED_BY = {
    "run": ("suite.run",),
    "group": ("suite.group",),
    "study": ("suite.study",),
    "trial": ("suite.of", "suite.trial"),
}


@dataclass
class Counts:
    """What was compared: records of MLflow (runs, their parents, studies and trials), and what they hold.

    `different` has a line for each record that is missing or differs.
    """

    records: int = 0
    parameters: int = 0
    values: int = 0  # of metrics, at all their steps
    artifacts: int = 0
    different: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """The counts in words, where nothing is different."""
        return (
            f"Equal in both: {self.records:,} records (runs, their parents, studies, trials) with "
            f"{self.parameters:,} parameters, {self.values:,} values and {self.artifacts:,} artifacts."
        )


def compare(here: Store, there: Store) -> Counts:
    """Compare every record that `here` has of the home with that of `there`; raises `TrackerAway`."""
    counts = Counts()
    with answering():
        for experiment in (EXPERIMENT, STUDIES):
            theirs = _records(there, experiment)
            for key, record in _records(here, experiment).items():
                _compare(here, record, there, theirs.get(key), counts)
    return counts


def _records(store: Store, experiment: str) -> "dict[tuple[str, ...], MlflowRun]":
    """The home's records in one of MLflow's experiments, the newest of each run, group, study and trial."""
    found = store.client.get_experiment_by_name(experiment)
    if found is None:
        return {}
    records = sorted(of_home(search(store, "", str(found.experiment_id)), store.home), key=began)
    named = {_key(record.data.tags): record for record in records}
    return {key: record for key, record in named.items() if key}


def _key(tags: Mapping[str, str]) -> tuple[str, ...]:
    """What a record is of, the same in every MLflow; empty for one that is not ours."""
    kind = tags.get("suite.kind", "")
    names = NAMED_BY.get(kind, ())
    return (kind, *(tags[name] for name in names)) if names and all(name in tags for name in names) else ()


def _compare(here: Store, record: "MlflowRun", there: Store, other: "MlflowRun | None", counts: Counts) -> None:
    counts.records += 1
    if other is None:
        counts.different.append(
            f"{record.info.run_name} is missing there: the home has no folder of it, or it is damaged"
        )
        return
    mine, theirs = dict(_contents(here, record)), dict(_contents(there, other))
    counts.parameters += len(record.data.params)
    counts.values += sum(len(steps) for what, steps in mine.items() if what.startswith("metric "))
    counts.artifacts += sum(what.startswith("artifact ") for what in mine)
    unlike = sorted(what for what in mine.keys() | theirs.keys() if mine.get(what) != theirs.get(what))
    if unlike:
        more = f" and {len(unlike) - 1} more" if len(unlike) > 1 else ""
        counts.different.append(f"{record.info.run_name} differs in {unlike[0]}{more}")


def _contents(store: Store, record: "MlflowRun") -> "Iterator[tuple[str, tuple[str, ...]]]":
    """All that a record says, by what it is, as texts: a NaN equals itself then."""
    yield "status", (record.info.status,)
    for name, value in record.data.params.items():
        yield f"parameter {name}", (value,)
    for name, value in record.data.tags.items():
        if name.startswith("suite.") and name not in MADE_LATER:
            yield f"tag {name}", (value,)
    for name, value in record.data.metrics.items():
        steps = {(0, repr(value))}
        if record.data.tags["suite.kind"] == "run":  # a group's older values are those of fewer seeds
            found = store.client.get_metric_history(record.info.run_id, name)
            steps = {(one.step, repr(one.value)) for one in found}
        yield f"metric {name}", tuple(f"{step}: {text}" for step, text in sorted(steps))
    for path, size in _artifacts(store, record.info.run_id):
        yield f"artifact {path}", (str(size),)


def _artifacts(store: Store, run_id: str, folder: str | None = None) -> Iterator[tuple[str, int]]:
    """The paths of a record's artifacts, and their sizes in bytes."""
    for one in store.client.list_artifacts(run_id, folder):
        if one.is_dir:
            yield from _artifacts(store, run_id, one.path)
        else:
            yield one.path, one.file_size
