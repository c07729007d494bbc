"""What an export returns: where it is, and what its check has found."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suite.exporting.reloading import Compared


@dataclass(frozen=True)
class Exported:
    """A run's network in a folder; `already` says that the same export was there before, and nothing was written."""

    run: str
    format: str
    folder: Path
    files: tuple[str, ...]
    checked: Compared
    already: bool = False

    def facts(self) -> dict[str, Any]:
        """The values that `export --json` prints."""
        return {**asdict(self), "folder": str(self.folder), "files": list(self.files)}


@dataclass(frozen=True)
class Published:
    """A version of a model in MLflow's registry; `already` says that the run had one, and only the alias was moved.

    `checked` is None then. `tracking_uri` is MLflow's address, without a password.
    """

    run: str
    model: str
    version: int
    alias: str
    tracking_uri: str
    checked: Compared | None = None
    already: bool = False

    @property
    def uri(self) -> str:
        """What `mlflow` loads and serves it by."""
        return f"models:/{self.model}@{self.alias}"

    def facts(self) -> dict[str, Any]:
        """The values that `publish --json` prints."""
        return {**asdict(self), "uri": self.uri}
