"""Write the file of a new experiment."""

import os
from pathlib import Path

from suite.api.looking import network
from suite.api.session import Session
from suite.disk import files
from suite.errors import SuiteError, machine_error
from suite.recipe import Recipe
from suite.recipe.loading import NAME
from suite.recipe.registry import OURS
from suite.recipe.writing import copied_text, first_text


def new(session: Session, name: str, *, like: str | None = None, data: str | None = None) -> Path:
    """Write an experiment's file that runs at once, and return its path.

    With `like` it is a copy of that experiment, without its source. `data` is another data set; a network that cannot
    take its images is refused. Raises `SuiteError`: 2 for a name that is wrong or taken, 3 for a folder that cannot be
    written.
    """
    if not NAME.fullmatch(name) or name == "all":
        raise SuiteError(
            f"{name!r:.80} cannot name an experiment.",
            "Use a small letter, then up to 39 small letters, digits and underscores.",
        )
    path = folder_of(session) / f"{name}.py"
    if name in session.registry or os.path.lexists(path):
        raise SuiteError(f"there is an experiment {name} already, and it is not overwritten.", "Choose another name.")
    text = _text(session, name, like, data)
    try:
        files.make_folder(path.parent)
    except OSError as error:
        raise machine_error(error, path.parent) from error
    files.write(path, text.encode())
    return path


def folder_of(session: Session) -> Path:
    """The folder that the user named last, else that of the checkout, else one in the current folder."""
    checkout = (OURS.parent / "pyproject.toml").is_file()
    return session.folders[-1] if session.folders else OURS if checkout else Path.cwd() / "experiments"


def _text(session: Session, name: str, like: str | None, data: str | None) -> str:
    changes = {"data": data} if data else {}
    if like:
        experiment = session.one(like, "new --from", changes)
        if data:
            network(experiment)  # raises where it cannot take these images
        return copied_text(name, experiment, _origin(data, experiment.recipe.data))
    known = Recipe(data=data or "mnist", loss="cross-entropy", optimizer="adam", lr=0.001, batch_size=1, epochs=1).data
    return first_text(name, known, _origin(data, known))


def _origin(given: str | None, known: str) -> str:
    """What the user called the data, if a recipe knows it by another name."""
    return given if given and given != known and given.isprintable() else ""
