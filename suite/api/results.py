"""The results that the calls of this room return. In a notebook each shows itself as tables and pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from suite import html
from suite.api import rows
from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.runs.plan import Planned, exit_code

if TYPE_CHECKING:
    import pandas as pd

    from suite.analysis.comparison import Comparison
    from suite.reporting.predictions import Answered
    from suite.reporting.table import Table
    from suite.tracking.groups import Group

One = TypeVar("One")
MOST = 4  # recipes whose curves and confusion are drawn


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

    def to_dict(self) -> list[Mapping[str, Any]]:
        """The values that `run --json` prints: one mapping for each run."""
        return self.facts()

    def frame(self) -> "pd.DataFrame":
        """A row for each run; changed fields and metrics have columns of their own, such as `test/accuracy`."""
        import pandas as pd

        facts = self.facts()
        plain = [{key: one[key] for key in one if key not in ("overrides", "metrics")} for one in facts]
        return pd.DataFrame(
            [{**row, **one["overrides"], **one["metrics"]} for row, one in zip(plain, facts, strict=True)]
        )

    def _repr_html_(self) -> str:
        from suite.api.drawing import of_runs

        shown = [table for table in (rows.recipes_table(self.planned), rows.runs_table(self.planned)) if table.rows]
        words = [str(self.trouble)] if self.trouble else []
        return html.of(shown, words=words, pictures=of_runs(self.planned, MOST))


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

    def to_dict(self) -> Record:
        """The values that `tune --json` prints."""
        return self.facts

    def frame(self) -> "pd.DataFrame":
        """A row for each trial; its values have columns of their own."""
        import pandas as pd

        trials = self.facts["trials"]
        return pd.DataFrame([{**{key: one[key] for key in one if key != "values"}, **one["values"]} for one in trials])

    def _repr_html_(self) -> str:
        from suite.api.drawing import of_study
        from suite.tuning.sentences import counts, sentences

        words = [*sentences(self.facts), f"{counts(self.facts['trials'])}."]
        return html.of([rows.finalists_table(self.facts)], words=words, pictures=of_study(self.facts))


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

    def to_dict(self) -> dict[str, Any]:
        """The values that `compare --json` prints."""
        records = {name: table.records() for name, table in self.tables().items()}
        return {**records, "comparisons": [one.facts() for one in self.comparisons]}

    def frame(self) -> "pd.DataFrame":
        """A row for each pair."""
        import pandas as pd

        return pd.DataFrame([one.facts() for one in self.comparisons])

    def _repr_html_(self) -> str:
        from suite.api.drawing import of_comparisons
        from suite.reporting.predictions import shortened

        shown = [shortened(table).shown() for table in self.tables().values()]
        words = [one.words for one in self.comparisons]
        return html.of(shown, words=words, pictures=of_comparisons(self.comparisons))


class Results(Sequence[One], Generic[One]):
    """Several results of one kind, in the order of the request: a sequence that shows itself as tables."""

    def __init__(
        self,
        found: Sequence[One],
        look: Callable[[Sequence[One]], list[html.Shown]],
        facts: Callable[[One], dict[str, Any]],
    ) -> None:
        self._found, self._look, self._facts = tuple(found), look, facts

    @overload
    def __getitem__(self, place: int) -> One: ...
    @overload
    def __getitem__(self, place: slice) -> "Results[One]": ...
    def __getitem__(self, place: int | slice) -> "One | Results[One]":
        if isinstance(place, slice):
            return Results(self._found[place], self._look, self._facts)
        return self._found[place]

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Results({list(self._found)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # its results need not have one

    def to_dict(self) -> list[dict[str, Any]]:
        """The values that the verb prints with `--json`: one mapping for each result."""
        return [self._facts(one) for one in self._found]

    def frame(self) -> "pd.DataFrame":
        """A row for each result."""
        import pandas as pd

        return pd.DataFrame(self.to_dict())

    def _repr_html_(self) -> str:
        return html.of(self._look(self._found))
