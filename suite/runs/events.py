"""What a command hears of its runs while they go on, and who is told."""

from typing import Protocol

from suite.disk.documents import Record
from suite.runs.plan import Planned


class View(Protocol):
    """Shows runs while they go on; used as a context."""

    def __enter__(self) -> "View": ...
    def __exit__(self, *error: object) -> None: ...
    def event(self, item: Planned, event: Record) -> None:
        """Show what one run just said."""
