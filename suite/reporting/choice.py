"""Which of the record's runs a report is about, and which it lacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.text import listed_seeds, nearest
from suite.tracking.frame import unfinished_runs
from suite.tracking.groups import Group, changes
from suite.tracking.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Choice:
    """Runs of some experiments (all, where none is named), finished since a moment; `baseline` is compared with."""

    experiments: tuple[str, ...] = ()
    since: datetime | None = None
    baseline: str = ""

    @property
    def narrows(self) -> bool:
        """Whether runs may be left out."""
        return bool(self.experiments or self.since)

    def of(self, runs: "pd.DataFrame") -> "pd.DataFrame":
        """Those of `finished_runs` that are chosen, and the baseline's own, without which no difference can be read.

        Raises `SuiteError` (2) for a name that no run has, and for a choice that leaves no run.
        """
        known = set() if runs.empty else set(runs["experiment"])
        for name in filter(None, (*self.experiments, self.baseline)):
            if name not in known:
                words = f"there is no run of {name!r:.80} in MLflow{nearest(name, known)}"
                raise SuiteError(words, f"Known: {', '.join(sorted(known))}." if known else "Train it first.")
        if not self.narrows or runs.empty:
            return runs
        chosen = runs["experiment"].isin(self.experiments or known)
        if self.since:
            chosen &= runs["finished"] >= self.since.timestamp() * 1000
        if not chosen.any():
            raise SuiteError(f"no run is {self._words()}.", "Choose more; the report is as it was.")
        unchanged = runs["overrides"].map(lambda overrides: set(overrides) <= {"data"})
        return runs[chosen | ((runs["experiment"] == self.baseline) & unchanged)].reset_index(drop=True)

    def of_studies(self, studies: Sequence[Record]) -> list[Record]:
        """The studies that are chosen: of these experiments, and with a trial that ended since."""
        return [facts for facts in studies if not self.narrows or ("trials" in facts and self._holds(facts))]

    def _holds(self, study: Record) -> bool:
        last = max((trial.get("at", 0) for trial in study["trials"]), default=0)
        recent = self.since is None or last >= self.since.timestamp() * 1000
        return recent and (not self.experiments or study["experiment"] in self.experiments)

    def sentences(self) -> list[str]:
        """What the report says of it in its first lines; nothing for a report on everything."""
        beside = f", and {self.baseline}'s runs" if self.baseline else ""
        said = [f"This report is a choice: it holds only what is {self._words()}{beside}."] if self.narrows else []
        if self.baseline:
            said.append(
                f"Differences are against {self.baseline}, its recipe unchanged, on the same data set, paired by seed "
                "over the seeds that both have; the interval is Student's t."
            )
        return said

    def _words(self) -> str:
        names = f"of {' or '.join(self.experiments)}" if self.experiments else ""
        since = f"finished since {self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.since else ""
        return " and ".join(filter(None, (names, since)))


@dataclass(frozen=True)
class Incomplete:
    """A recipe of which the tables have not every seed: those that others have, and those with no result yet."""

    title: str
    missing: tuple[int, ...] = ()
    running: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    interrupted: tuple[int, ...] = ()
    damaged: tuple[int, ...] = ()


KINDS = {
    "missing": "Fewer seeds than others on the same data set",
    "running": "Still running, and not in the tables",
    "failed": "Failed, and not in the tables",
    "interrupted": "Interrupted, and not in the tables",
    "damaged": "Damaged in MLflow, and not in the tables (`python -m suite sync --rebuild` writes it anew)",
}


def gap_sentences(gaps: Sequence[Incomplete]) -> list[str]:
    """A sentence for each way in which runs are lacking: `Still running, and not in the tables: lenet seed 3.`"""
    found = []
    for kind, words in KINDS.items():
        lacking = [(one.title, getattr(one, kind)) for one in gaps if getattr(one, kind)]
        if lacking:
            which = "lacks seed" if kind == "missing" else "seed"
            found.append(f"{words}: {'; '.join(f'{title} {which} {listed_seeds(seeds)}' for title, seeds in lacking)}.")
    return found


def incomplete(
    store: Store, runs: "pd.DataFrame", groups: Sequence[Group], experiments: Sequence[str] = ()
) -> list[Incomplete]:
    """The recipes whose seeds are not all in the tables, by title.

    `runs` are those that `groups` were read from; of other `experiments` than these, if any are named, nothing is said.
    Raises `TrackerAway`.
    """
    titles = {one.identity: one.title for one in groups}
    seeds: dict[str, dict[str, set[int]]] = {}

    def note(identity: str, status: str, found: set[int]) -> None:
        seeds.setdefault(identity, {}).setdefault(status, set()).update(found)

    for row in [*_rows(unfinished_runs(store, runs)), *_unread(runs, groups)]:
        if not experiments or row["experiment"] in experiments:
            titles.setdefault(row["identity"], ", ".join(filter(None, (row["experiment"], changes(row)))))
            note(row["identity"], row["status"], {row["seed"]})
    for one in groups:
        if left := set(one.missing).difference(*seeds.get(one.identity, {}).values()):
            note(one.identity, "missing", left)
    found = [
        Incomplete(titles[key], **{status: tuple(sorted(numbers)) for status, numbers in by_status.items()})
        for key, by_status in seeds.items()
    ]
    return sorted(found, key=lambda one: one.title)


def _unread(runs: "pd.DataFrame", groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The finished runs that are in no group, for their artifacts are damaged."""
    shown = {(one.identity, seed) for one in groups for seed in one.seeds}
    ended = [row for row in _rows(runs) if row["status"] == "finished"]
    return [{**row, "status": "damaged"} for row in ended if (row["identity"], row["seed"]) not in shown]


def _rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def baseline_of(groups: Iterable[Group], name: str, data: str) -> Group | None:
    """The group of an experiment as published, on a data set; None where it has none there."""
    candidates = [one for one in groups if one.experiment == name and one.parameter("data") == data]
    return next((one for one in candidates if one.changes in ("", f"data={data}")), None)
