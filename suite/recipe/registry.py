"""The registry of all experiments: our own, those in the user's folders, and those of installed packages."""

import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from suite.errors import SuiteError
from suite.recipe import Recipe, Source
from suite.recipe.identity import identity, network_text
from suite.text import nearest

OURS = Path(__file__).parent.parent.parent / "experiments"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Experiment:
    """A recipe and its network; `name` is the name of their file."""

    name: str
    path: Path
    recipe: Recipe
    network: Callable[[], Any]
    network_text: str
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name with all overrides; it is the key in files of committed references."""
        return " ".join([self.name, *(f"{name}={value}" for name, value in sorted(self.overrides.items()))])

    @cached_property
    def identity(self) -> str:
        """The SHA-256 of the recipe, with overrides applied, and of the network's text."""
        return identity(self.recipe, self.network_text)

    def facts(self) -> dict[str, Any]:
        """The facts about the experiment that a run's folder stores."""
        source = self.recipe.source
        return {
            "recipe": self.recipe.protocol(),
            "overrides": dict(self.overrides),
            "network": self.network_text,
            "source": source.facts() if source else None,
        }

    def changed(self, overrides: Mapping[str, Any]) -> "Experiment":
        """The experiment with other recipe values; values equal to the recipe's are not counted as overrides.

        Raises `SuiteError` (2) for an unknown field or a wrong value.
        """
        recipe = self.recipe.changed(overrides)
        real = {
            name: getattr(recipe, name) for name in overrides if getattr(recipe, name) != getattr(self.recipe, name)
        }
        return replace(self, recipe=recipe, overrides={**self.overrides, **real})


@dataclass(frozen=True)
class Registry:
    """All experiments that could be loaded, by name, and an error for each file that could not."""

    experiments: Mapping[str, Experiment]
    errors: tuple[SuiteError, ...]

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

    def _get(self, name: str) -> Experiment:
        broken = [error for error in self.errors if str(error).partition(".py")[0].endswith(f"/{name}")]
        if broken:  # also if an experiment of this name was loaded, because the user may mean the broken file
            raise broken[0]
        if name in self.experiments:
            return self.experiments[name]
        known = ", ".join(self.experiments)
        raise SuiteError(f"there is no experiment {name!r:.80}{nearest(name, self.experiments)}", f"Known: {known}.")


def load(folders: Iterable[Path] = ()) -> Registry:
    """Load all experiments: experiments/, then `folders`, then the entry points `suite.experiments`.

    Torch is not imported. Raises `SuiteError` (2) only for a folder that does not exist.
    """
    experiments: dict[str, Experiment] = {}
    errors: list[SuiteError] = []
    for name, path, module in _candidates(folders):
        try:
            if name in experiments:
                raise SuiteError(f"{path}: {name} is already defined by {experiments[name].path}.", "Rename the file.")
            experiments[name] = _experiment(name, path, module)
        except SuiteError as error:
            errors.append(error)
    return Registry(dict(sorted(experiments.items())), tuple(errors))


def _candidates(folders: Iterable[Path]) -> Iterator[tuple[str, Path, Callable[[], ModuleType]]]:
    for folder in (OURS, *folders):
        if not folder.is_dir():
            raise SuiteError(
                f"{folder}: there is no such folder of experiments.", "Fix --experiments or SUITE_EXPERIMENTS."
            )
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                yield path.stem, path, partial(_run_file, path, folder)
    for point in sorted(entry_points(group="suite.experiments")):
        yield point.name, Path(_origin(point)), point.load


def _experiment(name: str, path: Path, load_module: Callable[[], ModuleType]) -> Experiment:
    if not NAME.fullmatch(name) or name == "all":
        raise SuiteError(
            f"{path}: {name!r:.80} cannot name an experiment.",
            "Use a small letter, then up to 39 small letters, digits and underscores.",
        )
    try:
        module = load_module()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's file may do anything, even call sys.exit
        raise SuiteError(f"{path}{_line(error, path)}: {_reason(error)}", "Fix the file.") from error
    try:
        return _checked(name, path, module)
    except SuiteError:
        raise
    except Exception as error:  # objects of a user's module may raise any exception when we inspect them
        raise SuiteError(f"{path}{_line(error, path)}: {_reason(error)}", "Fix the file.") from error


def _checked(name: str, path: Path, module: ModuleType) -> Experiment:
    recipe, network = getattr(module, "recipe", None), getattr(module, "network", None)
    if not isinstance(recipe, Recipe):
        raise SuiteError(f"{path}: recipe must be a Recipe, got {recipe!r:.80}.", "See experiments/lenet.py.")
    if not callable(network) or not hasattr(network, "__code__"):
        raise SuiteError(f"{path}: network must be a function without arguments, got {network!r:.80}.")
    if inspect.signature(network).parameters:
        raise SuiteError(f"{path}: network must be a function without arguments, got {network!r:.80}.")
    try:
        text = network_text(network)
    except (OSError, ValueError, SyntaxError) as error:
        raise SuiteError(f"{path}: network cannot be read: {error}.", "Write it as a def in the file.") from error
    return Experiment(name, path, recipe, network, text)


class _AlwaysFromSource(SourceFileLoader):
    """Loads a file without a cached .pyc.

    After a quick second edit the .pyc can be out of date: the old code would be trained under the new identity.
    """

    def path_stats(self, path: Any) -> Any:  # noqa: ARG002  the loader's signature
        raise OSError


def _run_file(path: Path, folder: Path) -> ModuleType:
    if not path.is_file():  # reading a pipe would block
        raise SuiteError("it is not a regular file.")
    package = "experiments" if folder == OURS else "suite_user_experiments"
    name = f"{package}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AlwaysFromSource(name, str(path)))
    assert spec is not None
    assert spec.loader is not None  # it was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _origin(point: EntryPoint) -> str:
    """The file of an entry point's package if it can be found, with the entry point's value."""
    top = point.value.partition(":")[0].partition(".")[0].strip()
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    return f"{spec.origin if spec else top} ({point.value})"


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno and error.filename == str(path):
        return f":{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f":{lines[-1]}" if lines else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, SuiteError):
        return str(error)
    try:
        text = " ".join(str(error).split()) or "no reason given"
    except Exception:  # a user's exception may raise another one in `__str__`
        text = "its message cannot be read"
    for kind in (Recipe, Source):
        start = rf"{kind.__name__}\.__init__\(\) "
        if unknown := re.search(rf"{start}got an unexpected keyword argument '(\w+)'", text):
            known = nearest(unknown[1], kind.__dataclass_fields__)
            return f"{unknown[1]} is not a field of a {kind.__name__.lower()}{known}"
        if missing := re.search(rf"{start}missing \d+ required keyword-only arguments?: (.*)", text):
            return f"the {kind.__name__.lower()} lacks {missing[1]}."
    return f"{type(error).__name__}: {text:.200}."
