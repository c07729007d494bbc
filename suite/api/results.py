"""What the calls of this room give back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.runs.plan import Planned, exit_code

if TYPE_CHECKING:
    from suite.analysis.comparison import Comparison
    from suite.tracking.groups import Group


@dataclass(frozen=True)
class Runs:
    """Runs that were asked for, trained now or before. `trouble` is what kept the record or the report from it."""

    planned: Sequence[Planned]
    trouble: SuiteError | None = None
    page: Path | None = None

    @property
    def code(self) -> int:
        """The exit code of a command that did this."""
        return exit_code(self.planned, self.trouble)

    def facts(self) -> list[Mapping[str, Any]]:
        """Every run as plain values."""
        return [item.facts() for item in self.planned]


@dataclass(frozen=True)
class Recorded:
    """What the record and the report came to: MLflow's run ids by identity and seed, the report's page."""

    ids: Mapping[tuple[str, int], str] = field(default_factory=dict)
    trouble: SuiteError | None = None
    page: Path | None = None


@dataclass(frozen=True)
class Tuned:
    """A study after a command: its document, and where a better setting was saved as an experiment."""

    facts: Record
    saved: Path | None
    code: int


@dataclass(frozen=True)
class Compared:
    """Groups of runs of the same data, and every pair of them judged."""

    groups: "Sequence[Group]"
    comparisons: "Sequence[Comparison]"
