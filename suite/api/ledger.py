"""The ledger of tries, as people and programs see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import html
from suite.api.session import Session
from suite.disk import tries as ledgers
from suite.disk.documents import Record
from suite.errors import FAILED, INCONCLUSIVE

if TYPE_CHECKING:
    from suite.reporting.table import Table

CODES = {"KEEP": 0, "DISCARD": FAILED, "UNDECIDED": INCONCLUSIVE}


@dataclass(frozen=True)
class Tried:
    """One try: its number, rule and error, its looks, its `verdict` (empty while it goes on) in words."""

    baseline: str
    baseline_identity: str
    entry: Record

    @property
    def verdict(self) -> str:
        """KEEP, DISCARD or UNDECIDED; empty if the try was interrupted."""
        return str(self.entry["verdict"])

    @property
    def words(self) -> str:
        """The verdict as a sentence."""
        return str(self.entry["words"]) or "Not decided yet: the same command goes on."

    @property
    def code(self) -> int:
        """The exit code of the verb: 0 KEEP, 1 DISCARD, 4 UNDECIDED."""
        return CODES.get(self.verdict, INCONCLUSIVE)

    def to_dict(self) -> dict[str, Any]:
        """The values that `try --json` prints."""
        return {"baseline": self.baseline, "baseline_identity": self.baseline_identity, **self.entry}

    def _repr_html_(self) -> str:
        return html.of([table([self]).shown()], words=[self.words])


def tries(session: Session) -> list[Tried]:
    """Every try of the home, those against one baseline together, in the order in which they began."""
    found = ledgers.all_of(session.home.tries)
    return [Tried(one["baseline"], one["identity"], entry) for one in found for entry in one["tries"]]


def left(entries: Sequence[Record]) -> float:
    """The error that is left of the budget after these tries against one baseline."""
    from suite.analysis.trying import BUDGET

    return BUDGET - sum(float(one["error"]) for one in entries)


def table(shown: Sequence[Tried]) -> "Table":
    """A row for each try."""
    from suite.reporting.table import Table

    rows = [{
        "against": one.baseline, "try": one.entry["number"], "experiment": one.entry["candidate"],
        "recipe": one.entry["identity"][:12], "keep if": one.entry["keep_if"], "margin": one.entry["margin"],
        "error": one.entry["error"], "seeds": one.entry["looks"][-1]["seeds"] if one.entry["looks"] else 0,
        "difference": one.entry["looks"][-1]["difference"] if one.entry["looks"] else None,
        "verdict": one.verdict or "goes on",
    } for one in shown]  # fmt: skip
    formats = {"against": "s", "try": "d", "experiment": "s", "recipe": "s", "keep if": "s", "margin": ".4f",
               "error": ".2g", "seeds": "d", "difference": "+.4f", "verdict": "s"}  # fmt: skip
    return Table("Tries", rows, formats)
