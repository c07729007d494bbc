"""The results that the calls of this room return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.runs.plan import Planned, exit_code

if TYPE_CHECKING:
    from suite.analysis.comparison import Comparison
    from suite.reporting.predictions import Answered
    from suite.reporting.table import Table
    from suite.tracking.groups import Group


@dataclass(frozen=True)
class Runs:
    """The requested runs, trained now or earlier. `trouble` is the error that prevented the record or the report."""

    planned: Sequence[Planned]
    trouble: SuiteError | None = None
    page: Path | None = None

    @property
    def code(self) -> int:
        """The exit code of a command with this result."""
        return exit_code(self.planned, self.trouble)

    def facts(self) -> list[Mapping[str, Any]]:
        """Every run as plain values."""
        return [item.facts() for item in self.planned]


@dataclass(frozen=True)
class Recorded:
    """The MLflow ids of the runs in the record, by the names of their folders, and the path of the report's page."""

    ids: Mapping[str, str] = field(default_factory=dict)
    trouble: SuiteError | None = None
    page: Path | None = None


@dataclass(frozen=True)
class Tuned:
    """A study after a command: its document, and the file of the better setting if one was saved."""

    facts: Record
    saved: Path | None
    code: int


@dataclass(frozen=True)
class Compared:
    """Recipes that were compared on the same images. `groups` are their runs; files of predictions have none."""

    answered: "Answered"
    groups: "Sequence[Group]" = ()

    @property
    def comparisons(self) -> "Sequence[Comparison]":
        """The comparison of each pair."""
        return self.answered.comparisons

    def tables(self) -> "dict[str, Table]":
        """The differences, and what an accuracy costs; of files also calibration, confusions, hardest items, flips."""
        if not self.groups:
            return self.answered.tables()
        from suite.reporting.comparison_tables import cost_table
        from suite.reporting.comparisons import target_of

        return {"comparisons": self.answered.differences(), "costs": cost_table(self.groups, target_of(self.groups))}
