"""What a check has found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from suite import html
from suite.errors import USER

if TYPE_CHECKING:
    import pandas as pd

OK, NOTE, FIX = "ok", "note", "fix"


@dataclass(frozen=True)
class Finding:
    """One thing that was tried: `ok`, a `note`, or something to `fix`; `words` explain it in a sentence or two."""

    what: str
    status: str
    words: str


@dataclass(frozen=True)
class Checked:
    """All findings for an experiment. `cost` has the estimated seconds of one run and its peak memory in MiB.

    It is empty if the network cannot be trained. `network` has the layers, as `show` has them.
    """

    experiment: str
    findings: list[Finding]
    network: Mapping[str, Any]
    cost: Mapping[str, float]

    @property
    def code(self) -> int:
        """The exit code of a command with this result: 2 if something must be fixed."""
        return USER if any(one.status == FIX for one in self.findings) else 0

    def facts(self) -> dict[str, Any]:
        """The values that `check --json` prints."""
        return {**asdict(self), "network": dict(self.network), "cost": dict(self.cost), "code": self.code}

    def to_dict(self) -> dict[str, Any]:
        """The values that `check --json` prints."""
        return self.facts()

    def frame(self) -> "pd.DataFrame":
        """A row for each finding."""
        import pandas as pd

        return pd.DataFrame(self.facts()["findings"], columns=["what", "status", "words"])

    def table(self) -> html.Shown:
        """A row for each finding, for a person."""
        rows = [(one.status.upper() if one.status == FIX else one.status, one.what, one.words) for one in self.findings]
        return html.Shown(f"Check of {self.experiment}", ("", "what", "found"), rows)

    def _repr_html_(self) -> str:
        return html.of([self.table()])
