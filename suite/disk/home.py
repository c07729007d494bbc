"""Where runs, records and reports are kept: SUITE_HOME, else the checkout one stands in, else the current folder."""

import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from suite.disk import files
from suite.errors import SuiteError, machine_error


@dataclass(frozen=True)
class Home:
    """The folder that holds `mlruns/` and `reports/`."""

    root: Path

    @classmethod
    def find(cls) -> "Home":
        """SUITE_HOME if set; else the nearest folder upwards whose pyproject.toml is the suite's; else here.

        Raises `SuiteError` (2) where its `mlruns` is a symbolic link: nothing outside the folder is ever written.
        """
        here = Path.cwd()
        if named := os.environ.get("SUITE_HOME"):
            try:
                home = cls(Path(named).expanduser().resolve())
            except (RuntimeError, ValueError) as error:
                raise SuiteError(f"SUITE_HOME: {named!r:.80}: {error}.", "Name a folder.") from error
        else:
            home = cls(next((folder for folder in (here, *here.parents) if _is_checkout(folder)), here))
        for folder in (home.mlruns, home.runs, home.pictures, home.reports):
            if folder.is_symlink():
                raise SuiteError(f"{folder} is a symbolic link.", "Set SUITE_HOME to the folder that is to hold it.")
        return home

    def require_writable(self) -> None:
        """Make the folder that holds the runs; raises `SuiteError` (3) where nothing can be written there."""
        try:
            files.make_folder(self.runs)
            with tempfile.TemporaryFile(dir=self.runs):
                pass
        except OSError as error:
            raise machine_error(error, self.runs) from error

    @property
    def mlruns(self) -> Path:
        """MLflow's database and artifacts, and beside them the run folders that they are copies of."""
        return self.root / "mlruns"

    @property
    def runs(self) -> Path:
        """One folder per run, by experiment."""
        return self.mlruns / "runs"

    @property
    def trials(self) -> Path:
        """One folder per training of a study's trial, by experiment."""
        return self.mlruns / "trials"

    @property
    def studies(self) -> Path:
        """The studies' database, and what is known of each as a document."""
        return self.mlruns / "studies"

    @property
    def pictures(self) -> Path:
        """The last report's pictures, so that only what has changed is drawn again."""
        return self.mlruns / "pictures"

    @property
    def bench(self) -> Path:
        """What the bench's sessions found."""
        return self.mlruns / "bench.json"

    @property
    def reports(self) -> Path:
        """Tables, pictures and the page."""
        return self.root / "reports"


def _is_checkout(folder: Path) -> bool:
    try:
        facts = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    project = facts.get("project")
    return isinstance(project, dict) and project.get("name") == "suite" and (folder / "experiments").is_dir()
