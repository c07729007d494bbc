"""Tables and a page about predictions, which may be those of other programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suite.analysis.calibration import Calibration, calibration
from suite.analysis.comparison import Answers, Comparison, pairs_of
from suite.analysis.flips import flipped
from suite.analysis.hardest import hardest
from suite.pictures import comparisons as pictures
from suite.reporting import drawn
from suite.reporting.chapters import Chapter
from suite.reporting.comparison_tables import (
    calibration_table,
    cells_table,
    comparison_table,
    flips_table,
    hard_table,
)
from suite.reporting.comparisons import READING
from suite.reporting.figures import Album
from suite.reporting.keys import Key, Keys
from suite.reporting.table import Table

MOST = 20  # flips that the page shows of each direction; the CSV has all


@dataclass(frozen=True)
class Answered:
    """Answers about the same items, their comparisons, and the names of classes and items.

    `sure` says whether the answers' probabilities are known.
    """

    answers: Sequence[Answers]
    comparisons: Sequence[Comparison]
    classes: Sequence[str]
    items: Sequence[str]
    sure: bool

    def differences(self) -> Table:
        """A row for each pair."""
        return comparison_table(self.comparisons)

    def flips(self) -> Table:
        """A row for each item that most seeds of one recipe have right and most of another have not."""
        return flips_table(flipped(pairs_of(self.answers)), self.classes, self.items)

    def tables(self) -> dict[str, Table]:
        """Differences, calibration, changed confusions, hardest items, and flips: those that have rows."""
        found = {
            "comparisons": self.differences(),
            "calibration": calibration_table(self._calibrated()),
            "confusions": cells_table(pairs_of(self.answers), self.classes),
            "hardest": hard_table(hardest(*self._runs()), self.classes, self.items),
            "flips": self.flips(),
        }
        return {name: table for name, table in found.items() if table.rows}

    def chapter(self, tables: Mapping[str, Table], album: Album) -> Chapter:
        """The page's chapter, with pictures of the differences and, if it is known, of the calibration."""
        says = "The differences with their intervals."
        numbers = self.keys().by_title
        charts = drawn.differences(self.comparisons, numbers), drawn.reliability(self._calibrated(), numbers)
        made = [replace(album.add("differences", says, pictures.differences, list(self.comparisons)), drawn=charts[0])]
        if calibrated := self._calibrated():
            says = "How often answers are right, by how sure they are."
            made.append(replace(album.add("calibration", says, pictures.reliability, calibrated), drawn=charts[1]))
        return Chapter(
            slug="comparison",
            title=", ".join(one.title for one in self.answers),
            sentences=[one.words for one in self.comparisons],
            rules=READING,
            pictures=made,
            tables=[(name, shortened(table)) for name, table in tables.items()],
        )

    def keys(self) -> Keys:
        """The answers' recipes by number."""
        return Keys([Key(one.title) for one in self.answers])

    def _calibrated(self) -> dict[str, Calibration]:
        return {one.title: calibration(one.confidence, one.right) for one in self.answers} if self.sure else {}

    def _runs(self) -> tuple[NDArray[np.integer], NDArray[np.integer], list[str]]:
        """The predictions of all runs (k, m), the labels (m,), and the recipe of each run."""
        predicted = np.concatenate([one.predicted for one in self.answers])
        return predicted, self.answers[0].labels, [one.title for one in self.answers for _ in one.seeds]


def shortened(table: Table) -> Table:
    """Of the flips, the clearest ones of each pair and direction; any other table as it is."""
    if "one says" not in table.formats:
        return table
    counts: Counter[tuple[str, str, bool]] = Counter()
    shown = []
    for row in table.rows:
        key = row["one"], row["other"], row["one says"] == row["is"]
        counts[key] += 1
        if counts[key] <= MOST:
            shown.append(row)
    left = len(table.rows) - len(shown)
    return replace(table, rows=shown, note=f"{left:,} more; with --to flips.csv has all." if left else "")
