"""Check an experiment before it is trained."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suite.api.session import Named, Session
from suite.recipe.experiment import Experiment

if TYPE_CHECKING:
    from suite.checking.findings import Checked


def check(session: Session, name: Named, changes: Mapping[str, Any] | None = None) -> "Checked":
    """Try an experiment on 64 training images, in a process of its own, and say in words what must be fixed.

    Raises `SuiteError`: 2 if its file cannot be loaded, 3 if its data cannot be had.
    """
    return check_one(session, session.one(name, "check", changes))


def check_one(session: Session, experiment: Experiment) -> "Checked":
    """Try this experiment."""
    from suite.checking.worker import Job
    from suite.checking.worker import check as compute
    from suite.runs.asking import ask

    folder, portable = session.data(experiment.recipe.data), experiment.recipe.portable
    job = Job(experiment.name, folder, experiment.overrides, experiment.found_in(session.folders), portable)
    checked: Checked = ask(session.executor, compute, job)
    return checked
