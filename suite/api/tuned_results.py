"""What a comparison of tuned experiments gives: verdicts, three lines for each side, and the curve of the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from suite import html
from suite.disk.documents import Record
from suite.recipe.experiment import Experiment
from suite.recipe.space import Space
from suite.recipe.values import as_words

if TYPE_CHECKING:
    import pandas as pd

    from suite.analysis.best_so_far import Best
    from suite.analysis.tuned import Side, TunedComparison
    from suite.reporting.table import Table

NO_BAND = "Without bands: these hold only where trials are drawn at random and run to their end (--sampler random)."
NOISE = (
    "SD: by how much one study, seed or image differs from another. More of them reduce the standard error. With few "
    "studies their part is known only roughly."
)
BAND = "The median best of so many random trials, and a band that holds for the whole curve at once in 95 % of cases."


@dataclass(frozen=True)
class Tuning:
    """One side: its experiment, its space, and the document and the winner of each study."""

    title: str
    experiment: Experiment
    space: Space
    studies: Sequence[Record]
    winners: Sequence[Experiment]

    @property
    def seconds(self) -> float:
        """What all its studies cost: seconds of training and validation, on one core."""
        return float(sum(one["cost"]["train"] + one["cost"]["validate"] for one in self.studies))

    def accuracies(self, *, drawn: bool) -> list[list[float]]:
        """The validation accuracy of each trial, by study; 0 for one that diverged or was stopped early.

        Of those that were `drawn` alone: a study begins with the published setting, if that lies in its space.
        """
        return [
            [fmean(one["accuracies"]) if one["state"] == "COMPLETE" else 0.0 for one in study["trials"]
             if not drawn or one["values"] != study["rules"]["published"]]
            for study in self.studies
        ]  # fmt: skip


@dataclass(frozen=True)
class TunedCompared:
    """Experiments that were compared, each tuned. `seeds` is the number of test runs of each study's winner."""

    tunings: Sequence[Tuning]
    sides: "Sequence[Side]"
    seeds: int
    sampler: str

    @cached_property
    def comparisons(self) -> "list[TunedComparison]":
        """The comparison of each pair."""
        from suite.analysis.tuned import compare

        return compare(self.sides)

    def curves(self) -> "dict[str, list[Best]]":
        """The best validation accuracy so far by the number of trials, for each side."""
        from suite.analysis.best_so_far import curve

        random = self.sampler == "random"
        found = {one.title: one.accuracies(drawn=random) for one in self.tunings}
        return {title: curve(studies, random=random) for title, studies in found.items() if all(studies)}

    def tables(self) -> "dict[str, Table]":
        """As published, tuned, and the price; the settings that were found; where the noise is; the search's curve."""
        return {
            "tuned": self._lines(),
            "settings": self._settings(),
            "noise": self._noise(),
            "best_so_far": self._best_so_far(),
        }

    def _lines(self) -> "Table":
        from suite.reporting.table import Table

        lines: list[dict[str, Any]] = []
        for one, side in zip(self.tunings, self.sides, strict=True):
            trials = sum(len(study["trials"]) for study in one.studies)
            lines += [
                {"experiment": one.title, "": "as published", "test accuracy": float(side.published.mean())},
                {"experiment": one.title, "": "tuned", "test accuracy": float(side.right.mean())},
                {"experiment": one.title, "": "price", "trials": trials, "hours of a core": one.seconds / 3600},
            ]
        formats = {"experiment": "s", "": "s", "test accuracy": ".4f", "trials": "d", "hours of a core": ".3f"}
        rows = [{name: row.get(name) for name in formats} for row in lines]
        return Table("As published, tuned, and the price", rows, formats)

    def _settings(self) -> "Table":
        from suite.reporting.table import Table

        rows = [
            {"experiment": one.title, "study": study["study"],
             "setting": as_words(study["outcome"]["rows"][0]["values"]), "test accuracy": float(right.mean())}
            for one, side in zip(self.tunings, self.sides, strict=True)
            for study, right in zip(one.studies, side.right, strict=True)
        ]  # fmt: skip
        formats = {"experiment": "s", "study": "s", "setting": "s", "test accuracy": ".4f"}
        return Table("What each study found", rows, formats)

    def _noise(self) -> "Table":
        from suite.reporting.table import Table

        rows = [
            {"one": each.one, "other": each.other, "source": one.source, "SD, points": 100 * one.sd,
             "standard error, points": 100 * one.se, "share": one.share}
            for each in self.comparisons for one in each.noise
        ]  # fmt: skip
        formats = {"one": "s", "other": "s", "source": "s", "SD, points": ".2f", "standard error, points": ".2f",
                   "share": ".0%"}  # fmt: skip
        return Table("Where the noise of the difference is", rows, formats, NOISE)

    def _best_so_far(self) -> "Table":
        from suite.reporting.table import Table

        rows = [
            {"experiment": title, "trials": best.trials, "best so far": best.median, "low": best.low, "high": best.high}
            for title, some in self.curves().items() for best in some
        ]  # fmt: skip
        random = self.sampler == "random"
        banded = {"low": ".4f", "high": ".4f"} if random else {}
        formats = {"experiment": "s", "trials": "d", "best so far": ".4f", **banded}
        return Table("The best validation accuracy so far", rows, formats, BAND if random else NO_BAND)

    def to_dict(self) -> dict[str, Any]:
        """The values that `compare --tuned --json` prints."""
        records = {name: table.records() for name, table in self.tables().items()}
        return {"sampler": self.sampler, **records, "comparisons": [one.facts() for one in self.comparisons]}

    def frame(self) -> "pd.DataFrame":
        """A row for each pair."""
        import pandas as pd

        return pd.DataFrame([one.facts() for one in self.comparisons])

    def write(self, folder: Path) -> Path:
        """Write a page with the verdicts, the tables as CSV, and the curve as a picture; returns the page's path.

        Raises `SuiteError`: 2 if the folder has anything but such a page in it, 3 if it cannot be written.
        """
        from suite.reporting.tuned import write_tuned

        return write_tuned([one.words for one in self.comparisons], self.tables(), self.curves(), folder)

    def _repr_html_(self) -> str:
        return html.of([one.shown() for one in self.tables().values()], words=[one.words for one in self.comparisons])
