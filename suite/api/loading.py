"""A finished run's network, for the caller's own program."""

from functools import partial
from typing import TYPE_CHECKING

from suite.api.session import Session
from suite.errors import load_error

if TYPE_CHECKING:
    from suite.engine.trained import Trained


def load(session: Session, run: str) -> "Trained":
    """The network of a finished run with its weights, in evaluation mode: bytes in, scores out.

    Raises `SuiteError`: 2 for a run without weights, or whose experiment has another network now, 3 if torch cannot be
    loaded.
    """
    from suite.data.catalog import data_set
    from suite.runs.naming import experiment_of, one_trained
    from suite.tracking.frame import run_key

    try:
        from suite.engine.trained import Trained
    except Exception as error:
        raise load_error("torch", error) from error
    found = one_trained(run, session.home.runs, partial(run_key, session.home))
    experiment = experiment_of(found, session.registry)
    return Trained(experiment, found, tuple(data_set(experiment.recipe.data).classes))
