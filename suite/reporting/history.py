"""Tables and a page of the history of verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from suite.analysis.changes import Change
from suite.disk.documents import Record
from suite.pictures.history import over_commits
from suite.reporting import write_chapter
from suite.reporting.chapters import Chapter
from suite.reporting.figures import Album
from suite.reporting.keys import Key, Keys
from suite.reporting.table import Table

SHORT = 9  # letters of a commit that are shown
FORMATS = {"experiment": "s", "measure": "s", "beside": "s", "verdicts": "d", "commits": "d", "latest": ".4f",
           "mean": ".4f", "sd": ".4f", "changes": "d"}  # fmt: skip


@dataclass(frozen=True)
class Series:
    """The verdicts on one experiment that can be compared: the same measure, other side, kind of processor, and torch.

    `points` are in the order of the commits; `changes` are indices into them.
    """

    experiment: str
    measure: str
    beside: str
    kind: str
    torch: str
    points: Sequence[Record]
    changes: Sequence[Change]

    @property
    def title(self) -> str:
        """What is measured, as a heading."""
        return f"{self.experiment}, {self.measure}{f' beside {self.beside}' if self.beside else ''}"

    @property
    def words(self) -> list[str]:
        """A sentence for each change, which names the first commit after it."""
        return [
            f"{self.title}: {one.before:.4f} became {one.after:.4f} at commit {self._commit(one.at)} "
            f"(before it {self._commit(one.at - 1)} was measured), p {one.p:.2g}. {self.kind}, torch {self.torch}."
            for one in self.changes
        ]

    def facts(self) -> dict[str, Any]:
        """The series as plain values."""
        named = ("at", "commit", "dirty", "value", "low", "high", "n", "verdict")
        changes = [
            {"commit": self.points[one.at]["commit"], "after": self.points[one.at - 1]["commit"],
             "from": one.before, "to": one.after, "p": one.p}
            for one in self.changes
        ]  # fmt: skip
        return {
            "experiment": self.experiment, "measure": self.measure, "beside": self.beside, "kind": self.kind,
            "torch": self.torch, "points": [{name: one[name] for name in named} for one in self.points],
            "changes": changes, "words": self.words,
        }  # fmt: skip

    def _commit(self, place: int) -> str:
        return str(self.points[place]["commit"])[:SHORT] or "without a name"


def series_table(found: Sequence[Series]) -> Table:
    """A row for each series: its latest value, and mean and standard deviation since its last change."""
    rows = []
    for one in found:
        since = [point["value"] for point in one.points[one.changes[-1].at if one.changes else 0 :]]
        rows.append({
            "experiment": one.experiment, "measure": one.measure, "beside": one.beside, "kind": one.kind,
            "torch": one.torch, "verdicts": len(one.points), "commits": len({point["commit"] for point in one.points}),
            "latest": one.points[-1]["value"], "mean": fmean(since), "sd": stdev(since) if len(since) > 1 else None,
            "changes": len(one.changes),
        })  # fmt: skip
    return Table("History", rows, FORMATS, "Mean and standard deviation are those since the last change.")


def points_table(found: Sequence[Series]) -> Table:
    """A row for each verdict, for the CSV and below the pictures."""
    rows = [
        {"experiment": one.experiment, "measure": one.measure, "beside": one.beside, "commit": point["commit"][:SHORT],
         "value": point["value"], "low": point["low"], "high": point["high"], "n": point["n"],
         "verdict": point["verdict"], "at": point["at"], "kind": one.kind, "torch": one.torch}
        for one in found for point in one.points
    ]  # fmt: skip
    return Table("Every verdict", rows, {
        "experiment": "s", "measure": "s", "commit": "s", "value": ".4f", "low": ".4f", "high": ".4f", "n": "d",
        "verdict": "s", "at": "s"})  # fmt: skip


def write_history(found: Sequence[Series], folder: Path) -> Path:
    """Write a page with a picture of each series and its tables as CSV; returns its path. Raises `SuiteError`."""

    titles = dict.fromkeys(one.experiment for one in found)

    def chapter(album: Album) -> tuple[Chapter, Mapping[str, Table]]:
        pictures = [
            album.add(f"history-{number}", f"{one.title}: {one.kind}, torch {one.torch}. The band is 2 SD.",
                      over_commits, one.title, [dict(point) for point in one.points], [each.at for each in one.changes])
            for number, one in enumerate(found)
        ]  # fmt: skip
        tables = {"history": series_table(found), "verdicts": points_table(found)}
        words = [line for one in found for line in one.words] or ["No change is shown."]
        return Chapter("history", "History", words, pictures=pictures, tables=[*tables.items()]), tables

    return write_chapter(chapter, Keys([Key(name) for name in titles]), folder, mark="verdicts.csv")
