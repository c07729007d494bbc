"""Ask a trained network about pictures of one's own."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.session import COMPILING, Session
from suite.errors import SuiteError, machine_error

if TYPE_CHECKING:
    from suite.predicting.worker import Predicted


def predict(session: Session, run: str, pictures: Sequence[Path], *, as_is: bool = False) -> "Predicted":
    """The classes that a finished run's network gives to pictures, which are fitted to its training images first.

    `run` is a name as in `verify`. A folder among the `pictures` stands for all of its pictures. With `as_is` they are
    resized and nothing else. Raises `SuiteError`: 2 for a run without weights and where no picture can be read, 3 if
    the training images cannot be had.
    """
    from suite.predicting.listing import listed
    from suite.predicting.worker import Job
    from suite.predicting.worker import predict as compute
    from suite.runs.asking import ask
    from suite.runs.naming import experiment_of, one_trained
    from suite.tracking.frame import run_key

    found = one_trained(run, session.home.runs, partial(run_key, session.home))
    experiment = experiment_of(found, session.registry)
    paths, folder = listed(pictures), session.data(experiment.recipe.data)
    portable = experiment.recipe.portable
    result = found.result()
    by_kernels = result is not None and result["environment"].get("way") == "kernels"  # older runs have no way
    folders = experiment.found_in(session.folders)
    job = Job(found, folder, paths, as_is, experiment.overrides, folders, portable, by_kernels)
    if by_kernels and session.compiles:
        session.screen.say(COMPILING)
    predicted: Predicted = ask(session.executor, compute, job)
    if not predicted.predictions:
        raise predicted.refused[0]
    return predicted


def draw(predicted: "Predicted", path: Path) -> Path:
    """Write a PNG of the pictures as the network saw them, each beside the picture itself; returns its path.

    Raises `SuiteError`: 2 for a file that is not to be overwritten, 3 for one that cannot be written.
    """
    from suite.disk import files
    from suite.pictures import canvas
    from suite.pictures.inputs import inputs

    require_drawable(path, [one.path for one in predicted.predictions])
    with canvas.own_style():
        image = canvas.image(inputs(predicted.run, predicted.drawn(predicted.predictions)), "png")
    try:
        files.write(path, image)
    except OSError as error:
        raise machine_error(error, path) from error
    return path


def require_drawable(path: Path, pictures: Sequence[Path]) -> None:
    """Raise `SuiteError` (2) unless a picture can be written there; the user's own `pictures` are never overwritten."""
    if path.suffix.lower() != ".png" or path.is_dir():
        raise SuiteError(f"--picture: {path} must be the name of a .png file.", "For example --picture seen.png.")
    if not path.absolute().parent.is_dir():
        raise SuiteError(f"--picture: {path.parent} is no folder.", "Make it, or name another.")
    if path.exists() and any(path.samefile(one) for one in pictures if one.exists()):
        raise SuiteError(f"--picture: {path} is one of the pictures themselves.", "Name another file.")
