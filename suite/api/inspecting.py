"""Look inside a trained network."""

import os
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.session import Session
from suite.errors import SuiteError

if TYPE_CHECKING:
    from suite.disk.journal import Run
    from suite.inspecting.hanging import Gallery
    from suite.inspecting.worker import Job
    from suite.pictures.cache import Kept
    from suite.recipe.experiment import Experiment
    from suite.reporting.figures import Sheet
    from suite.tracking.groups import Group


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
    folders, portable = experiment.found_in(session.folders), experiment.recipe.portable
    job = Job(found, session.data(experiment.recipe.data), image, experiment.overrides, folders, portable)
    return hang(ask(session.executor, look, job), to or session.home.reports / "gallery" / _name(found, experiment))


def sheets(session: Session, groups: "Sequence[Group]", kept: "Kept") -> "dict[str, Sheet | str]":
    """For a report: the picture of the inside of each group's first seed, or why there is none, by the group's slug.

    A picture of the same weights is copied from `kept`. The others are drawn with the report's other pictures: the
    process that looks at a network would need four times as long if it loaded matplotlib too. Nothing is downloaded.
    Runs of other homes have none and no reason, nor has any run where SUITE_GALLERY is `no`.
    """
    from suite.disk.journal import Run
    from suite.inspecting import pictures
    from suite.inspecting.worker import look
    from suite.pictures.drawing import Drawing
    from suite.runs.asking import ask_all

    if os.environ.get("SUITE_GALLERY") == "no":
        return {}
    found: dict[str, Sheet | str] = {}
    missing: dict[str, tuple[str, Job]] = {}  # the key and the job
    for one in groups:
        run = Run.under(session.home.runs, one.experiment, one.identity, one.seeds[0])
        if not (run.folder / "weights.safetensors").is_file():
            continue
        key = _key(kept, one)
        if images := kept.find(key, ["png"]):
            found[one.slug] = images["png"]
            continue
        try:
            missing[one.slug] = key, _job(session, run, str(one.runs[0]["weights_sha256"]))
        except SuiteError as error:
            found[one.slug] = f"The inside of {run.name} cannot be shown: {error}"
    answers = ask_all(session.executor, look, [job for _, job in missing.values()]) if missing else []
    for (slug, (key, job)), answer in zip(missing.items(), answers, strict=True):
        if isinstance(answer, SuiteError):
            found[slug] = f"The inside of {job.run.name} cannot be shown: {answer}"
        else:
            found[slug] = key, Drawing(pictures.sheet, [answer], ["png"])
    return found


def _key(kept: "Kept", one: "Group") -> str:
    """What the picture depends on: the weights, the code that looks and draws, and the libraries."""
    from suite.inspecting import pictures
    from suite.pictures import mosaic

    texts = [path.read_bytes() for path in sorted(Path(pictures.__file__).parent.glob("*.py"))]
    code = sha256(b"".join([*texts, Path(mosaic.__file__).read_bytes()])).hexdigest()
    return kept.key(pictures.sheet, [str(one.runs[0]["weights_sha256"]), one.identity, code, version("torch")])


def _job(session: Session, run: "Run", weights: str) -> "Job":
    """The work for a run that the record has with these weights. Raises `SuiteError`."""
    from suite.data import cached
    from suite.inspecting.worker import Job
    from suite.runs.naming import experiment_of

    result = run.check_files()
    if result is None or result.get("weights_sha256") != weights:
        raise SuiteError("its folder has other weights than the record.")
    experiment = experiment_of(run, session.registry)
    folder = cached(experiment.recipe.data)
    if folder is None:
        raise SuiteError(f"the data set {experiment.recipe.data} is not here.", "See python -m suite data.")
    folders, portable = experiment.found_in(session.folders), experiment.recipe.portable
    return Job(run, folder, 0, experiment.overrides, folders, portable, neighbours=False)


def _name(run: "Run", experiment: "Experiment") -> str:
    """The folder's name: that of the run, with the start of its identity if its recipe was changed by a command."""
    changed = f"-{run.identity[:8]}" if experiment.overrides else ""
    return f"{run.experiment}{changed}-s{run.seed}"
