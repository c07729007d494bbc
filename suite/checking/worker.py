"""The work of the process that checks an experiment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import data
from suite.checking.findings import FIX, OK, Checked, Finding
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.worker import load_engine
from suite.text import duration, plural

if TYPE_CHECKING:
    from suite.checking.tries import Trial


@dataclass(frozen=True)
class Job:
    """An experiment by its name, its overrides, the folder of its data, and the user's folders of experiments."""

    name: str
    data_folder: Path
    overrides: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    portable: bool = False


def check(job: Job) -> Checked:
    """Try the experiment on a few of its training images. Raises `SuiteError` if its file or data cannot be loaded."""
    load_engine(portable=job.portable)
    from suite.checking.tries import IMAGES, ONCE, Trial
    from suite.engine.alone import load_alone
    from suite.engine.layers import describe

    experiment = load_alone(job.name, job.folders).changed(job.overrides)
    images, labels = data.load_training(experiment.recipe.data, job.data_folder)
    wanted = max(IMAGES, ONCE, experiment.recipe.batch_size)
    trial = Trial(experiment, images[:wanted], labels[:wanted])
    try:
        network = describe(trial.model(), experiment.recipe.shape)
    except SuiteError as error:
        return Checked(experiment.title, [_fault("network", error)], {}, {})
    cost: dict[str, float] = {}
    findings = list(_tried(trial, network, cost))
    return Checked(experiment.title, findings, network, cost)


def _tried(trial: "Trial", network: dict[str, Any], cost: dict[str, float]) -> Iterator[Finding]:
    """Everything that is tried, in the order in which a reader wants to know it; fills in the `cost`."""
    from suite.checking import tries
    from suite.checking.company import company

    yield tries.shapes(trial, network)
    yield _guarded(trial.experiment, "chance", lambda: _rehearsed(trial))
    yield _guarded(trial.experiment, "gradients", lambda: tries.gradients(trial))
    training = tries.Training(trial)
    loss = _guarded(trial.experiment, "loss", lambda: tries.losses(training))
    yield loss
    if loss.status == FIX and " becomes " not in loss.words:  # it cannot be trained
        return
    yield _guarded(trial.experiment, "evaluation", lambda: company(training.model, trial.pixels))
    yield tries.algorithms(training.model)
    yield _guarded(trial.experiment, "resuming", lambda: tries.resume(training))
    yield _guarded(trial.experiment, "cost", lambda: _priced(training, cost))


def _rehearsed(trial: "Trial") -> Finding:
    from suite.engine.rehearsal import rehearse
    from suite.engine.sets import Labelled

    one = trial.experiment
    rehearse(one.recipe, one.network, 0, Labelled(trial.images, trial.labels), one.functions)
    words = "the same seed gives the same numbers: all chance comes from torch, numpy.random or random."
    return Finding("chance", OK, words)


def _priced(training: Any, cost: dict[str, float]) -> Finding:
    from suite.checking import tries

    recipe = training.trial.experiment.recipe
    known = data.data_set(recipe.data)
    cost.update(tries.cost(training, {"train": known.train, "test": known.test}))
    took = duration(cost["seconds"])
    words = (
        f"about {took} and {cost['memory_mib']:,.0f} MiB for one seed on one core, {plural(recipe.epochs, 'epoch')}."
    )
    return Finding("cost", OK, words)


def _guarded(experiment: Experiment, what: str, attempt: Callable[[], Finding]) -> Finding:
    """What the attempt finds; an error of the experiment's own code is something to fix."""
    from suite.engine import exact
    from suite.engine.faults import in_file

    try:
        with exact.unchanged(experiment.path, "the network's forward()"), in_file(experiment.path):
            return attempt()
    except SuiteError as error:
        return _fault(what, error)


def _fault(what: str, error: SuiteError) -> Finding:
    """An error as something to fix; torch's words for a missing algorithm advise to give up exact runs."""
    operation, lacking, _ = str(error).partition(" does not have a deterministic implementation")
    if not lacking:
        return Finding(what, FIX, str(error))
    words = f"{operation} has no deterministic algorithm, so no run could be repeated. Use another layer."
    return Finding("algorithms", FIX, words)
