"""The registry of all experiments: our own, those in the user's folders, and those of installed packages."""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from suite.data.own.request import look_in
from suite.disk.script import run_file, undone
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.loading import NAME, load_experiment
from suite.text import nearest

USERS = "suite_user_experiments"  # the package of the modules of the user's files
OURS = Path(__file__).parent.parent.parent / "experiments"


class _Candidate(NamedTuple):
    """A file, or an entry point, that should hold the experiment of this name."""

    name: str
    path: Path
    load: Callable[[], ModuleType]


class _Loaded(NamedTuple):
    """What came of the files of one name: an experiment, and the one-line reason for each file that is no use."""

    experiment: Experiment | None
    errors: dict[Path, SuiteError]


class Registry:
    """Every experiment there is, by name. A file is run when its experiment is asked for, and once.

    What it does to the environment is undone, unless its experiment is `alone` in this process.
    """

    def __init__(self, candidates: Iterable[_Candidate], *, alone: bool = False, kept: Path | None = None) -> None:
        self._candidates, self._alone, self._kept = list(candidates), alone, kept
        self._loaded: dict[str, _Loaded] = {}

    @property
    def experiments(self) -> dict[str, Experiment]:
        """All experiments that can be loaded, by name in alphabetical order; loads every file."""
        found = {name: self._load(name).experiment for name in sorted(self._names())}
        return {name: experiment for name, experiment in found.items() if experiment}

    @property
    def errors(self) -> tuple[SuiteError, ...]:
        """The one-line reason for each file that cannot be loaded, in the order of the files; loads every file."""
        found = {path: error for name in self._names() for path, error in self._load(name).errors.items()}
        return tuple(found[one.path] for one in self._candidates if one.path in found)

    def __contains__(self, name: str) -> bool:
        """Whether there is a file or an entry point of this name; loads nothing."""
        return name in self._names()

    def choose(self, names: Iterable[str]) -> list[Experiment]:
        """The named experiments, each once; `all` means every one.

        Raises `SuiteError` (2) for an unknown name and for a named file that is broken; with `all`, for any broken one.
        """
        wanted = list(dict.fromkeys(names))
        if "all" in wanted:
            if self.errors:
                raise self.errors[0]
            return list(self.experiments.values())
        return [self._get(name) for name in wanted]

    def versions(self, name: str) -> list[Experiment]:
        """Every experiment of this name: that of a file, and those that notebooks have defined.

        Raises `SuiteError` (2) if there is none, and for a file that is broken.
        """
        kept = self._defined(name)
        return [*([self._get(name)] if name in self or not kept else []), *kept]

    def defined(self, path: Path) -> Experiment:
        """The experiment of a file that a notebook's cells were written to; raises `SuiteError` (2) if it is broken."""
        with _aside():
            loaded = load_experiment(path.stem, path, partial(run_file, path, USERS))
        return replace(loaded, folders=(path.parent,))

    def _defined(self, name: str) -> list[Experiment]:
        files = sorted(self._kept.glob(f"*/{name}.py")) if self._kept and NAME.fullmatch(name) else []
        return [self.defined(path) for path in files]

    def _names(self) -> list[str]:
        return list(dict.fromkeys(candidate.name for candidate in self._candidates))

    def _get(self, name: str) -> Experiment:
        if name in self:
            found = self._load(name)
            if found.errors:  # also where one of that name was loaded: the user may mean the other
                raise next(iter(found.errors.values()))
            if found.experiment:
                return found.experiment
        if defined := self._defined(name):
            if len(defined) > 1:
                raise SuiteError(
                    f"notebooks have defined {len(defined)} experiments {name}: {defined[0].path}, …",
                    "Copy the one that you mean into a folder of experiments.",
                )
            return defined[0]
        known = ", ".join(self.experiments)
        raise SuiteError(f"there is no experiment {name!r:.80}{nearest(name, self.experiments)}", f"Known: {known}.")

    def _load(self, name: str) -> _Loaded:
        if name not in self._loaded:
            with nullcontext() if self._alone else _aside():
                self._loaded[name] = _load([one for one in self._candidates if one.name == name])
        return self._loaded[name]


def load(folders: Iterable[Path] = (), *, alone: bool = False, kept: Path | None = None) -> Registry:
    """Find what is in experiments/, in `folders`, and behind the entry points `suite.experiments`.

    `kept` is the home's folder of what notebooks have defined; a name that no file has may be there.
    No file is run before its experiment is asked for, and torch is not imported. `alone` says that this process trains
    one experiment and no other. Raises `SuiteError` (2) for a folder that is not there.
    """
    folders = list(folders)
    look_in(folders)
    return Registry(_candidates(folders), alone=alone, kept=kept)


def load_file(path: Path) -> Experiment:
    """The experiment of this one file, which this process trains and no other; raises `SuiteError` (2)."""
    return load_experiment(path.stem, path, partial(run_file, path, "experiments" if path.parent == OURS else USERS))


@contextmanager
def _aside() -> Iterator[None]:
    """Undo what a file does to the environment; what it prints goes to stderr: stdout may be a program's document."""
    with undone(), redirect_stdout(sys.stderr):
        yield


def _load(candidates: Iterable[_Candidate]) -> _Loaded:
    """Load all files of one name: the first is the experiment, a second one is an error."""
    experiment: Experiment | None = None
    errors: dict[Path, SuiteError] = {}
    for name, path, module in candidates:
        try:
            if experiment:
                raise SuiteError(f"{path}: {name} is already defined by {experiment.path}.", "Rename the file.")
            experiment = load_experiment(name, path, module)
        except SuiteError as error:
            errors[path] = error
    return _Loaded(experiment, errors)


def _candidates(folders: Iterable[Path]) -> Iterator[_Candidate]:
    for folder in (OURS, *folders):
        if not folder.is_dir():
            raise SuiteError(
                f"{folder}: there is no such folder of experiments.",
                "Name one that there is with --experiments or SUITE_EXPERIMENTS.",
            )
        package = "experiments" if folder == OURS else USERS
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                yield _Candidate(path.stem, path, partial(run_file, path, package))
    for point in sorted(entry_points(group="suite.experiments")):
        yield _Candidate(point.name, Path(_origin(point)), point.load)


def _origin(point: EntryPoint) -> str:
    """The file of an entry point's package if it can be found, with the entry point's value."""
    top = point.value.partition(":")[0].partition(".")[0].strip()
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    return f"{spec.origin if spec else top} ({point.value})"
