"""Examines this machine: what it has, and what would stop a run."""

import importlib.metadata
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suite.api.session import Session
from suite.data import cached
from suite.data.catalog import CATALOG
from suite.disk.home import Home
from suite.disk.journal import begun_runs, whole_runs
from suite.errors import MACHINE, USER, SuiteError, load_error, machine_error
from suite.execute.cores import available_cores
from suite.masking import masked
from suite.recipe.registry import OURS, Registry
from suite.runs.worker import tell_operators

CLASSES = {"torch": "numeric class", "portable": "with --portable", "kernels": "of the kernels"}  # as they are shown
LIBRARIES = (
    "torch",
    "torchvision",
    "mlflow",
    "optuna",
    "pandas",
    "numpy",
    "scipy",
    "matplotlib",
    "safetensors",
    "rich",
)
NEEDED = 1 << 30  # bytes: more than data, checkpoints, MLflow's database and report need


@dataclass(frozen=True)
class Finding:
    """One line of the examination. `code` is the exit code that a run would have because of it, or 0."""

    what: str
    found: str
    code: int = 0
    note: bool = False

    def row(self) -> tuple[str, str, str]:
        """The cells of its row in the table."""
        return ("stop" if self.code else "note" if self.note else "ok", self.what, self.found)

    def facts(self) -> dict[str, Any]:
        """Its values for JSON."""
        return asdict(self)


def examine(session: Session) -> list[Finding]:
    """Check everything that a run needs. Nothing is downloaded, and only a test file is written."""
    home, registry, data_dir = session.home, session.registry, session.data_dir
    return [
        Finding("python", f"{platform.python_version()}, {sys.executable}"),
        Finding("machine", f"{platform.system()} {platform.machine()}, {available_cores()} cores for this process"),
        *_libraries(),
        *_numeric_classes(session),
        _experiments_package(),
        *_experiments(registry),
        *_data(data_dir),
        _writable(home),
        _space(home),
        *_runs(home),
        _store(home),
    ]


def _libraries() -> Iterator[Finding]:
    for name in LIBRARIES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "not installed: python -m pip install -e .", MACHINE)
        else:
            yield _torch(version) if name == "torch" else Finding(name, version)


def _torch(version: str) -> Finding:
    try:
        import torch  # noqa: F401  some values of its own variables stop it
    except Exception as error:
        return Finding("torch", str(load_error("torch", error)), MACHINE)
    return Finding("torch", version)


def _numeric_classes(session: Session) -> Iterator[Finding]:
    """What torch and our kernels compute here, as short digests: machines of one class come to the same weights."""
    told: dict[int, dict[str, str] | str] = {}
    try:
        for index, event in session.executor.run(tell_operators, list(CLASSES)):
            if isinstance(event, dict | str):
                told[index] = event
    except SuiteError as error:  # SUITE_DEVICE or SUITE_COMPILE names what is not here
        yield Finding("numeric class", str(error), error.code)
    except OSError as error:
        why = machine_error(error, error.filename or "the worker processes")
        yield Finding("numeric class", str(why), why.code)
    else:
        for index, name in enumerate(CLASSES.values()):
            yield _class(name, told.get(index, "the process ended without a word"))


def _class(name: str, told: dict[str, str] | str) -> Finding:
    """The class of these digests, or the reason why there are none."""
    if isinstance(told, str):
        return Finding(name, told, note=True)
    from suite.engine.numeric import class_of  # loads torch

    return Finding(name, class_of(told))


def _experiments_package() -> Finding:
    import experiments

    found = Path(experiments.__file__ or "").parent
    if found.resolve() == OURS.resolve():
        return Finding("experiments", str(found))
    return Finding("experiments", f"{found} shadows {OURS}: rename it or leave its folder", USER)


def _experiments(registry: Registry) -> Iterator[Finding]:
    yield Finding("registered", ", ".join(registry.experiments))
    for error in registry.errors:
        yield Finding("broken", str(error), error.code)


def _data(data_dir: Path | None) -> Iterator[Finding]:
    if data_dir:
        known = data_dir.is_dir()
        yield Finding("data folder", str(data_dir) if known else f"{data_dir} is no folder", 0 if known else USER)
    for name, data in CATALOG.items():
        folder = cached(name)
        found = str(folder) if folder else f"{data.title} is fetched by the first run that needs it"
        yield Finding(f"data {name}", found, note=folder is None)
    tools = [tool for tool in ("apt-get", "npm") if shutil.which(tool)]
    yield Finding("fetched by", ", ".join(["torchvision's mirrors", *tools]))


def _writable(home: Home) -> Finding:
    try:
        home.mlruns.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home.mlruns):
            return Finding("home", str(home.root))
    except OSError as error:
        return Finding("home", f"{home.mlruns}: {(error.strerror or '').lower()}; set SUITE_HOME", MACHINE)


def _space(home: Home) -> Finding:
    at = next(folder for folder in (home.mlruns, home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(at).free
    text = f"{free / (1 << 30):.1f} GiB free, 1 GiB asked for"
    return Finding("space", text, MACHINE if free < NEEDED else 0)


def _runs(home: Home) -> Iterator[Finding]:
    damaged: list[str] = []
    runs = list(whole_runs(begun_runs(home.runs), damaged.append))
    finished = sum(run.result() is not None for run in runs)
    yield Finding("runs", f"{finished} finished, {len(runs) - finished} begun")
    for line in damaged:
        yield Finding("damaged", line, USER)


def _store(home: Home) -> Finding:
    from suite.tracking.store import TrackerAway, open_store, shown_uri

    try:
        return Finding("mlflow store", masked(open_store(home).uri))
    except SuiteError as error:
        return Finding("mlflow store", str(error), error.code)
    except TrackerAway as why:
        return Finding("mlflow store", f"{shown_uri(home)} does not answer: {why}; runs are kept and sent later",
                       note=True)  # fmt: skip
