"""What a check has found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from suite.errors import USER

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
