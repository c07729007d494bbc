"""One experiment's file, run and checked; whatever is wrong with it becomes one line that names it."""

import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeGuard

from suite.disk.script import is_interrupt, line_of, require_torch, words_of
from suite.errors import SuiteError
from suite.recipe.arguments import GIVEN, OPTIONAL, Functions, misspelt
from suite.recipe.experiment import Experiment
from suite.recipe.fields import Recipe
from suite.recipe.identity import text_of
from suite.recipe.source import Source
from suite.text import nearest

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def load_experiment(name: str, path: Path, load_module: Callable[[], ModuleType]) -> Experiment:
    """The experiment that a module holds; raises `SuiteError` with the file, the line and the reason.

    2 for a fault of the file, 3 if it imports torch and torch cannot be loaded here.
    """
    if not NAME.fullmatch(name) or name == "all":
        raise SuiteError(
            f"{path}: {name!r:.80} cannot name an experiment.",
            "Use a small letter, then up to 39 small letters, digits and underscores.",
        )
    try:
        module = load_module()
    except BaseException as error:  # a user's file may do anything, even call sys.exit
        if is_interrupt(error):
            raise
        require_torch(error)
        raise SuiteError(f"{path}{line_of(error, path)}: {_reason(error)}", "Fix the file.") from error
    try:
        return _checked(name, path, module)
    except SuiteError:
        raise
    except Exception as error:  # objects of a user's module may raise any exception when we inspect them
        raise SuiteError(f"{path}{line_of(error, path)}: {_reason(error)}", "Fix the file.") from error


def _checked(name: str, path: Path, module: ModuleType) -> Experiment:
    recipe, network = getattr(module, "recipe", None), getattr(module, "network", None)
    if not isinstance(recipe, Recipe):
        raise SuiteError(f"{path}: recipe must be a Recipe, got {recipe!r:.80}.", "See experiments/lenet.py.")
    if not _is_function(network):
        raise SuiteError(f"{path}: network must be a function, got {network!r:.80}.", "See experiments/lenet.py.")
    functions = _functions(path, module)
    try:
        text = text_of({"network": network, **functions})
    except (OSError, ValueError, SyntaxError) as error:
        raise SuiteError(f"{path}: network cannot be read: {error}.", "Write it as a def in the file.") from error
    _require_known_names(path, module, text)
    try:
        recipe = recipe.of({"network": network, **functions})
    except SuiteError as error:
        raise SuiteError(f"{path}: {error}", code=error.code) from error
    return Experiment(name, path, recipe, network, text, functions=functions)


def _functions(path: Path, module: ModuleType) -> Functions:
    """The optional functions of the file, by role. A plain value under such a name is the file's own matter."""
    found = {role: getattr(module, role) for role in OPTIONAL if callable(getattr(module, role, None))}
    for role, function in found.items():
        if not _is_function(function):
            raise SuiteError(f"{path}: {role} must be a function, got {function!r:.80}.", f"Write def {role}(…).")
    return found


def _is_function(value: Any) -> TypeGuard[Callable[..., Any]]:
    """Whether it has a text that can be read: a def, or one behind a decorator; no class, no other object."""
    return callable(value) and isinstance(getattr(value, "__code__", None), CodeType)


def _require_known_names(path: Path, module: ModuleType, text: str) -> None:
    """Refuse a function that nothing uses and whose name is almost that of an optional one: `def optimiser`."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    unused = [name for name in own if isinstance(getattr(module, name), FunctionType) and name not in (*GIVEN,)]
    if found := misspelt(name for name in unused if not re.search(rf"\b{name}\b", text)):
        name, role = found
        raise SuiteError(f"{path}: nothing uses the function {name}; did you mean {role}?", "Rename or remove it.")


def _reason(error: BaseException) -> str:
    if isinstance(error, SuiteError):
        return str(error)
    text = words_of(error)
    for kind in (Recipe, Source):
        start = rf"{kind.__name__}\.__init__\(\) "
        if unknown := re.search(rf"{start}got an unexpected keyword argument '(\w+)'", text):
            known = nearest(unknown[1], kind.__dataclass_fields__)
            return f"{unknown[1]} is not a field of a {kind.__name__.lower()}{known}"
        if missing := re.search(rf"{start}missing \d+ required keyword-only arguments?: (.*)", text):
            return f"the {kind.__name__.lower()} lacks {missing[1]}."
    return f"{type(error).__name__}: {text:.200}."
