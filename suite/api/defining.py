"""An experiment that is defined in a notebook or a script: its text becomes a file, as workers need one."""

import hashlib
import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.api.session import Session
from suite.disk import files
from suite.errors import SuiteError, machine_error
from suite.recipe import Recipe
from suite.recipe.arguments import GIVEN, OPTIONAL
from suite.recipe.cells import cells_of, require_same
from suite.recipe.experiment import Experiment
from suite.recipe.loading import NAME
from suite.recipe.writing import cells_text
from suite.text import nearest


def define(
    session: Session, name: str, recipe: Recipe, network: Callable[..., Any], functions: dict[str, Callable[..., Any]]
) -> Experiment:
    """The experiment of this recipe and these functions, with the identity of the same text in a file.

    The text is written into the home, in a folder of its digest: another text is another file, and none is overwritten.
    Raises `SuiteError`: 2 for what cannot be carried, 3 for a home that cannot be written.
    """
    _require(session, name, recipe, functions)
    try:
        cells = cells_of({"network": network, **functions})
    except SuiteError as error:
        raise SuiteError(f"{name}: {error}", code=error.code) from error
    text = cells_text(name, recipe, cells.text).encode()
    with tempfile.TemporaryDirectory(prefix="suite-define-") as scratch:
        trial = Path(scratch, f"{name}.py")
        trial.write_bytes(text)
        loaded = _loaded(session, trial)
        try:
            require_same(cells.values, inspect.unwrap(loaded.network).__globals__)
        except SuiteError as error:
            raise SuiteError(f"{name}: {error}", code=error.code) from error
    path = session.home.experiments / hashlib.sha256(text).hexdigest()[:16] / trial.name
    if not path.exists():
        try:
            files.make_folder(path.parent)
            files.write(path, text)
        except OSError as error:
            raise machine_error(error, path.parent) from error
    return session.registry.defined(path)


def _loaded(session: Session, trial: Path) -> Experiment:
    """The experiment that the cells' text gives, in the order in which they were run last."""
    try:
        return session.registry.defined(trial)
    except SuiteError as error:
        why = str(error).removeprefix(str(trial)).lstrip(":0123456789 ").removesuffix("Fix the file.")
        raise SuiteError(
            f"{trial.stem}: the text of its cells cannot be loaded: {why.strip()}",
            "Run them again, from the first to the last.",
            code=error.code,
        ) from error


def _require(session: Session, name: str, recipe: Recipe, functions: dict[str, Callable[..., Any]]) -> None:
    if not NAME.fullmatch(name) or name == "all":
        raise SuiteError(
            f"{name!r:.80} cannot name an experiment.",
            "Use a small letter, then up to 39 small letters, digits and underscores.",
        )
    if name in session.registry:
        raise SuiteError(f"there is a file of an experiment {name} already.", "Choose another name.")
    if not isinstance(recipe, Recipe):
        raise SuiteError(f"{name}: recipe must be a Recipe, got {recipe!r:.80}.", "Make one with suite.Recipe(…).")
    for role in functions.keys() - {*OPTIONAL}:
        known = ", ".join(sorted(OPTIONAL))
        raise SuiteError(f"{name}: {role} is no function of an experiment{nearest(role, GIVEN)}", f"Known: {known}.")
