"""Selects the runs of a report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.text import nearest
from suite.tracking.groups import Group

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Choice:
    """A selection of runs: by experiments (empty for all) and by their end; `baseline` is for comparison."""

    experiments: tuple[str, ...] = ()
    since: datetime | None = None
    baseline: str = ""

    @property
    def narrows(self) -> bool:
        """Whether this choice may leave out runs."""
        return bool(self.experiments or self.since)

    def of(self, runs: "pd.DataFrame") -> "pd.DataFrame":
        """The chosen rows of `finished_runs`, and those of the baseline, which the differences need.

        Raises `SuiteError` (2) if no run has a given name, or if no run is chosen.
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
        """The chosen studies: those of the experiments, with a trial that ended since the given time."""
        return [facts for facts in studies if not self.narrows or ("trials" in facts and self._holds(facts))]

    def _holds(self, study: Record) -> bool:
        recent = self.since is None or last_ended(study) >= self.since.timestamp() * 1000
        return recent and (not self.experiments or study["experiment"] in self.experiments)

    def sentences(self) -> list[str]:
        """Sentences about the choice for the report's first lines; empty for a report on all runs."""
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


def baseline_of(groups: Iterable[Group], name: str, data: str) -> Group | None:
    """The group of the unchanged experiment on a data set; None if there is none."""
    candidates = [one for one in groups if one.experiment == name and one.parameter("data") == data]
    return next((one for one in candidates if unchanged(one)), None)


def unchanged(one: Group) -> bool:
    """Whether nothing of the experiment's recipe was changed, but perhaps its data set."""
    return one.changes in ("", f"data={one.parameter('data')}", f"data={one.data_title}")


def last_ended(study: Record) -> float:
    """When the last trial of a study ended, in milliseconds since 1970; 0 if the document says none."""
    trials = study.get("trials")
    ended = [one.get("at", 0) for one in trials if isinstance(one, dict)] if isinstance(trials, list) else []
    return max((at for at in ended if isinstance(at, int | float)), default=0)
