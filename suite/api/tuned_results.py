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
        """As published, tuned, and the price; the settings that were found; the curve of the search."""
        from suite.reporting.table import Table

        lines: list[dict[str, Any]] = []
        for one, side in zip(self.tunings, self.sides, strict=True):
            trials = sum(len(study["trials"]) for study in one.studies)
            lines += [
                {"experiment": one.title, "": "as published", "test accuracy": float(side.published.mean())},
                {"experiment": one.title, "": "tuned", "test accuracy": float(side.right.mean())},
                {"experiment": one.title, "": "price", "trials": trials, "hours of a core": one.seconds / 3600},
            ]
        lines = [{name: row.get(name) for name in ("experiment", "", "test accuracy", "trials", "hours of a core")}
                 for row in lines]  # fmt: skip
        found = [
            {"experiment": one.title, "study": study["study"],
             "setting": as_words(study["outcome"]["rows"][0]["values"]), "test accuracy": float(right.mean())}
            for one, side in zip(self.tunings, self.sides, strict=True)
            for study, right in zip(one.studies, side.right, strict=True)
        ]  # fmt: skip
        curve = [
            {"experiment": title, "trials": best.trials, "best so far": best.median, "low": best.low, "high": best.high}
            for title, some in self.curves().items() for best in some
        ]  # fmt: skip
        banded = {"low": ".4f", "high": ".4f"} if self.sampler == "random" else {}
        return {
            "tuned": Table("As published, tuned, and the price", lines, {
                "experiment": "s", "": "s", "test accuracy": ".4f", "trials": "d", "hours of a core": ".3f"}),
            "settings": Table("What each study found", found, {
                "experiment": "s", "study": "s", "setting": "s", "test accuracy": ".4f"}),
            "best_so_far": Table("The best validation accuracy so far", curve, {
                "experiment": "s", "trials": "d", "best so far": ".4f", **banded},
                BAND if self.sampler == "random" else NO_BAND),
        }  # fmt: skip

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
