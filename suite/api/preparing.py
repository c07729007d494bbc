"""The public functions that come before a training: what there is, and an experiment that is defined or tried.

Each takes a `session`. Without it, the function opens one on this machine's home, which shows progress in a notebook
and nothing elsewhere. Where a call takes an experiment's name, it takes the experiment itself too, as `experiment`
makes it; where it takes a run's name, also what `run` returned. Nothing of the caller's process is changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api import checking, defining, looking, rows, starting
from suite.api.caller import leaves_no_trace
from suite.api.results import Results
from suite.api.session import Named, Session
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment

if TYPE_CHECKING:
    from suite.api.datasets import Entry
    from suite.api.doctor import Finding
    from suite.checking.findings import Checked


@leaves_no_trace
def check(name: Named, *, session: Session | None = None, **changes: Any) -> "Checked":
    """Try an experiment on 64 images in seconds; `findings` of the result say in words what must be fixed."""
    return checking.check(session or Session.open(), name, changes)


@leaves_no_trace
def new(name: str, *, like: str | None = None, data: str | None = None, session: Session | None = None) -> Path:
    """Write a commented experiment's file to begin with, a copy of `like` if that is given; returns its path.

    It goes into the session's last folder of experiments, else into experiments/. No file is overwritten.
    """
    return starting.new(session or Session.open(), name, like=like, data=data)


@leaves_no_trace
def datasets(*names: str, session: Session | None = None) -> "list[Entry]":
    """The known data sets; with names (`"all"` for the catalog), those sets, prepared for use without a network.

    Raises the first error of a set that cannot be had, after the others were prepared.
    """
    from suite.api import datasets as sets

    entries, errors = sets.fetch(session or Session.open(), names) if names else sets.listed()
    if names and errors:
        raise errors[0]
    return entries


@leaves_no_trace
def experiments(session: Session | None = None) -> Results[Experiment]:
    """Every experiment that can be loaded, by name."""
    found = looking.experiments(session or Session.open())
    return Results(found, lambda some: [rows.experiments_table(some)], rows.listed)


@leaves_no_trace
def experiment(
    name: str,
    recipe: Recipe,
    network: Callable[..., Any],
    *,
    session: Session | None = None,
    **functions: Callable[..., Any],
) -> Experiment:
    """An experiment of a recipe and a network that were defined in a notebook's cells, or in a script.

    Its text, with the imports, functions, classes and plain values that it uses, is kept in the home, and the identity
    is that of the same text in a file. `functions` are the optional ones: loss, optimizer, schedule, augment, score.
    Raises `SuiteError` (2) for what has no text: a lambda, values of a surrounding function, other objects.
    """
    return defining.define(session or Session.open(), name, recipe, network, functions)


@leaves_no_trace
def show(name: Named, *, session: Session | None = None, **changes: Any) -> dict[str, Any]:
    """An experiment's network: its `layers`, `parameters` and `macs` (multiply-accumulates an image)."""
    return looking.network((session or Session.open()).one(name, "show", changes))


@leaves_no_trace
def doctor(session: Session | None = None) -> "Results[Finding]":
    """Examine this machine: what it has, and what would stop a run."""
    from suite.api.doctor import examine

    found = examine(session or Session.open())
    return Results(found, lambda some: [rows.findings_table(some)], lambda one: one.facts())
