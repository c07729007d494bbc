"""An experiment of the user's own repository as it was in a revision of that repository, measured with this suite."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.session import Session
from suite.data.own.request import look_in
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.registry import load

if TYPE_CHECKING:
    from suite.benching.sides import Side, Workload

Job = Callable[[Session, Experiment], "Workload"]


@contextmanager
def both(session: Session, one: Experiment, revision: str, folder: Path, job: Job) -> "Iterator[tuple[Workload, Side]]":
    """The job of an experiment, and the side that does it as in a revision of the repository around `folder`.

    The repository of the suite itself has the other program too; every other one has experiments and modules only, and
    both sides run the suite of this process. Raises `SuiteError`: 2 if there is no repository or revision, if the
    experiment is not in it, or is broken there, and what `job` raises.
    """
    from suite.benching.checkout import checked_out, repository_of
    from suite.benching.sides import HERE, Side

    repository = repository_of(folder)
    path = _within(repository, one)
    ours = job(session, one)  # our data is looked for in our folders
    suites = repository.samefile(HERE)
    with checked_out(revision, None if suites else repository) as checkout:
        if not (checkout / path).is_file():
            raise SuiteError(f"{path} is not in {revision}.", "Give a revision that has it.")
        moved = partial(_moved, repository, checkout)
        if suites:
            there = replace(ours, folders=tuple(filter(None, map(moved, ours.folders))))
            yield ours, Side(revision, "suite", source=checkout, job=there)
            return
        there = _loaded(session, one, tuple(filter(None, map(moved, session.folders))), job, f"{revision}: ", checkout)
        modules = tuple(place for place in _importable() if place.is_relative_to(repository))
        here, away = modules, tuple(filter(None, map(moved, modules)))
        yield replace(ours, modules=here), Side(revision, "suite", job=replace(there, modules=away))


def _within(repository: Path, one: Experiment) -> Path:
    """The path of an experiment's file in a repository; raises `SuiteError` (2) if it is not there."""
    if one.file and one.file.is_relative_to(repository):
        return one.file.relative_to(repository)
    raise SuiteError(
        f"{one.name} is not in {repository}, but {one.path}.",
        "Name an experiment of that repository, or compare with another Python, by its path.",
    )


def _loaded(
    session: Session, one: Experiment, folders: tuple[Path, ...], job: Job, where: str, checkout: Path
) -> "Workload":
    """The job of an experiment of these folders; what is wrong with it is said with its place in the repository."""
    try:
        theirs = replace(session, registry=load(folders), folders=folders, _data={})
        return job(theirs, theirs.registry.choose([one.name])[0].changed(one.overrides))
    except SuiteError as error:
        raise SuiteError(f"{where}{str(error).replace(f'{checkout}{os.sep}', '')}", code=error.code) from error
    finally:
        look_in(session.folders)


def _moved(repository: Path, checkout: Path, folder: Path) -> Path | None:
    """Where a folder of the repository is in a checkout, or None if it has none; another folder stays where it is."""
    if not folder.is_relative_to(repository):
        return folder
    found = checkout / folder.relative_to(repository)
    return found if found.is_dir() else None


def _importable() -> list[Path]:
    """The folders in which this process looks for modules."""
    return list(dict.fromkeys(Path(place or ".").resolve() for place in sys.path))
