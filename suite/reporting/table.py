"""A table of the report: raw numbers for the CSV, and the same cells as formatted text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from suite.html import Shown

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
NOTHING_LEFT_OUT = "Nothing."


@dataclass(frozen=True)
class Table:
    """Rows with named columns. `formats` has the text format of a column; a column without it is only in the CSV."""

    title: str
    rows: Sequence[Row]
    formats: Mapping[str, str]
    note: str = ""
    """A remark for the reader, for example that the rows have unequal numbers of seeds."""
    left_out: str = ""
    """What is not in the rows, and why; `""` where there is nothing that could be."""

    def frame(self) -> "pd.DataFrame":
        """All columns, with raw numbers."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def shown(self) -> Shown:
        """The formatted cells, for the terminal and for a notebook."""
        columns = [f"{name}>" if right else name for name, right in zip(self.columns(), self.numeric(), strict=True)]
        return Shown(self.title, columns, self.cells())

    def records(self) -> list[Row]:
        return [dict(row) for row in self.rows]

    def columns(self) -> list[str]:
        return list(self.formats)

    def cells(self) -> list[list[str]]:
        """The formatted cells; a missing value is a dash."""
        return self._cells

    def numeric(self) -> list[bool]:
        """For each column, whether all cells are numbers, so that it aligns right."""
        return self._numeric

    @cached_property  # cached because the page needs it for every cell
    def _cells(self) -> list[list[str]]:
        return [[_cell(row.get(name), how) for name, how in self.formats.items()] for row in self.rows]

    @cached_property
    def _numeric(self) -> list[bool]:
        cells = zip(*self._cells, strict=True) if self._cells else [()] * len(self.formats)
        return [all(cell[:1].isdigit() or cell[:1] in "+-–" for cell in column) for column in cells]


def _cell(value: Any, how: str) -> str:
    if value is None:
        return "–"
    return f"{value:{how}}"
