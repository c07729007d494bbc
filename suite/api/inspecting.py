"""Look inside a trained network."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.session import Session
from suite.errors import SuiteError

if TYPE_CHECKING:
    from suite.disk.journal import Run
    from suite.inspecting.hanging import Gallery
    from suite.recipe.experiment import Experiment


def gallery(session: Session, run: str, *, image: int = 0, to: Path | None = None) -> "Gallery":
    """Draw a finished run's filters, activations, mistakes, features and graph into PNG files.

    `run` is a name as in `verify`, `image` the number of a test image, from 0. Without the folder `to` they are
    written into reports/gallery/. Raises `SuiteError`: 2 for a run without weights, a file that was changed and an
    image that there is not, 3 if the test images cannot be had or the folder cannot be written.
    """
    from suite.data.catalog import data_set
    from suite.inspecting.hanging import hang
    from suite.inspecting.worker import Job, look
    from suite.runs.asking import ask
    from suite.runs.naming import experiment_of, one_trained
    from suite.tracking.frame import run_key

    found = one_trained(run, session.home.runs, partial(run_key, session.home))
    experiment = experiment_of(found, session.registry)
    count = data_set(experiment.recipe.data).test
    if not 0 <= image < count:
        raise SuiteError(f"--image: {run} was tested on the images 0 to {count - 1:,}, got {image}.",
                         "Choose one of them.")  # fmt: skip
    if to is not None and to.exists() and not to.is_dir():
        raise SuiteError(f"--to: {to} is no folder.", "Name a folder; it is made if it does not exist.")
    job = Job(found, session.data(experiment.recipe.data), image, experiment.overrides, session.folders,
              experiment.recipe.portable)  # fmt: skip
    return hang(ask(session.executor, look, job), to or session.home.reports / "gallery" / _name(found, experiment))


def _name(run: "Run", experiment: "Experiment") -> str:
    """The folder's name: that of the run, with the start of its identity if its recipe was changed by a command."""
    changed = f"-{run.identity[:8]}" if experiment.overrides else ""
    return f"{run.experiment}{changed}-s{run.seed}"
