"""The folder of runs, records and reports: SUITE_HOME, else the checkout around the current folder, else that one."""

import os
import platform
import re
import secrets
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from suite.disk import files
from suite.errors import SuiteError, machine_error

# In the address of a database `?` ends the path and `%41` means `A`: MLflow would write to another place. The third is
# a byte that is not UTF-8.
_UNFIT = re.compile(r"\?|%[0-9A-Fa-f]{2}|[\udc80-\udcff]")


@dataclass(frozen=True)
class Home:
    """The folder that holds `mlruns/` and `reports/`.

    `tracker` is MLflow's address, if it is neither the home's own nor that of MLFLOW_TRACKING_URI.
    """

    root: Path
    tracker: str = ""

    @classmethod
    def find(cls) -> "Home":
        """SUITE_HOME if it is set; else the nearest parent folder that is a checkout of the suite; else this folder.

        Raises `SuiteError` (2) if `mlruns` or `reports` is a symbolic link, because nothing may be written outside,
        or if the address of a database cannot hold the path.
        """
        if named := os.environ.get("SUITE_HOME"):
            try:
                home = cls(Path(named).expanduser().resolve())
            except (RuntimeError, ValueError) as error:
                raise SuiteError(
                    f"SUITE_HOME: {named!r:.80} is no folder: {error}.", "Give a whole path, as /data/suite."
                ) from error
        else:
            here = _here()
            home = cls(next((folder for folder in (here, *here.parents) if _is_checkout(folder)), here))
        if unfit := _UNFIT.search(str(home.root)):
            what = repr(unfit[0]) if unfit[0].isprintable() else "bytes that are not UTF-8"
            raise SuiteError(f"{home.root}: a home's path may not have {what} in it.", "Set SUITE_HOME to another one.")
        for folder in (home.mlruns, home.runs, home.pictures, home.reports):
            if folder.is_symlink():
                raise SuiteError(f"{folder} is a symbolic link.", "Use a real folder, or set SUITE_HOME elsewhere.")
        return home

    def stand_in(self) -> None:
        """Be the user's home folder too if the user has none, as in a container: MLflow cannot be loaded without one.

        The user's cache, with the data, is then in here.
        """
        if os.path.expanduser("~") == "~":
            os.environ["HOME"] = str(self.root)

    def require_writable(self) -> None:
        """Make the folder of the runs; raises `SuiteError` (3) if nothing can be written there."""
        try:
            files.make_folder(self.runs)
            with tempfile.TemporaryFile(dir=self.runs):
                pass
        except OSError as error:
            raise machine_error(error, self.runs) from error

    def origin(self) -> str:
        """The home's own name for what it sends to a server that others use too: a machine's name and a random part.

        It is made once and kept in the home, wherever that is moved. Raises `SuiteError`: 2 if it is damaged, 3 if it
        cannot be read or written.
        """
        path = self.mlruns / "origin"
        try:
            if not path.exists():
                files.make_folder(self.mlruns)
                with FileLock(f"{path}.lock"):  # two first commands must agree
                    if not path.exists():
                        machine = re.sub(r"[^\w.-]", "-", platform.node(), flags=re.ASCII)[:40] or "home"
                        files.write(path, f"{machine}-{secrets.token_hex(8)}\n".encode())
            found = files.read(path, 100).decode(errors="replace").strip()
        except (files.Unfit, OSError) as error:
            raise machine_error(error if isinstance(error, OSError) else OSError(str(error)), path) from error
        if not re.fullmatch(r"[\w.-]{1,40}-[0-9a-f]{16}", found, re.ASCII):
            raise SuiteError(
                f"{path} is damaged: {found!r:.60} is no home's name.", "Move it away: all runs are then sent again."
            )
        return found

    @property
    def mlruns(self) -> Path:
        """MLflow's database and artifacts, and the run folders, of which these are copies."""
        return self.root / "mlruns"

    @property
    def runs(self) -> Path:
        """The run folders, grouped by experiment."""
        return self.mlruns / "runs"

    @property
    def experiments(self) -> Path:
        """The experiments that notebooks have defined, each in the folder of its text's digest."""
        return self.mlruns / "experiments"

    @property
    def trials(self) -> Path:
        """The folders of the trials' trainings, one per trial and seed, grouped by experiment."""
        return self.mlruns / "trials"

    @property
    def studies(self) -> Path:
        """The database of the studies, and one document per study."""
        return self.mlruns / "studies"

    @property
    def tries(self) -> Path:
        """The ledgers of tries, one for each baseline."""
        return self.mlruns / "tries"

    @property
    def pictures(self) -> Path:
        """The pictures of the last report, so that only changed ones are drawn again."""
        return self.mlruns / "pictures"

    @property
    def bench(self) -> Path:
        """The results of the bench's sessions."""
        return self.mlruns / "bench.json"

    @property
    def reports(self) -> Path:
        """The report: tables, pictures and the HTML page."""
        return self.root / "reports"

    @property
    def page(self) -> Path:
        """The report's HTML page."""
        return self.reports / "report.html"


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise SuiteError("the current folder was deleted.", "Go to one that exists, or set SUITE_HOME.") from error


def _is_checkout(folder: Path) -> bool:
    try:
        facts = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    project = facts.get("project")
    return isinstance(project, dict) and project.get("name") == "suite" and (folder / "experiments").is_dir()
