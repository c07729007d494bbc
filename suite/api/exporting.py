"""Give a trained network away: as a folder that other programs load, or as a model in MLflow's registry."""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from suite.api.session import Session
from suite.errors import MACHINE, SuiteError

if TYPE_CHECKING:
    from suite.exporting.config import Trained
    from suite.exporting.exported import Exported, Published
    from suite.exporting.reloading import Compared
    from suite.exporting.worker import Job

ONNX = ("onnx", "onnxscript", "onnxruntime")


def export(session: Session, run: str, to: Path, kind: str = "safetensors") -> "Exported":
    """Write a finished run's network into the folder `to`, after a program without the suite has loaded and checked it.

    `run` is a name as in `verify`; `kind` is safetensors, pt2 or onnx. Raises `SuiteError`: 1 if the check's program
    fails, 2 for a folder with other contents and a network that has no graph, 3 if onnx is not installed or the test
    images cannot be had.
    """
    from suite.exporting import card, config, folder
    from suite.exporting.exported import Exported
    from suite.exporting.reloading import Compared
    from suite.exporting.standing import network_text
    from suite.exporting.worker import export as write
    from suite.runs.asking import ask

    _require(kind)
    trained = _trained(session, run)
    text = network_text(trained.experiment) if kind == "safetensors" else ""
    facts = config.config(trained, kind, text)
    if there := folder.found_in(to):
        if not config.same(facts, there):
            raise SuiteError(f"--to: {to} has another export.", "Name a new folder.")
        names = (folder.CONFIG, *there["files"])
        return Exported(trained.name, kind, to, names, Compared(**there["check"]), already=True)
    images = session.data(trained.experiment.recipe.data)
    with folder.begun(to) as made:
        facts |= ask(session.executor, write, _job(session, trained, kind, made, text))
        folder.prepare(made, facts)
        checked = _compared(trained, images, made)
        names = folder.complete(made, facts, card.card(trained, facts, checked), checked.facts())
    return Exported(trained.name, kind, to, names, checked)


def publish(session: Session, run: str, name: str = "", alias: str = "candidate") -> "Published":
    """Put a finished run's network into MLflow's registry as a version of the model `name`, and give it the `alias`.

    Without a `name` the model has the experiment's. A run that has a version gets no second one: the alias is moved.
    Raises `SuiteError`: 1 if a program without the suite cannot load the model, 2 for a wrong name and a network that
    has no graph, 3 if MLflow does not answer.
    """
    from suite.exporting.exported import Published
    from suite.tracking import registry
    from suite.tracking.store import TrackerAway, shown_uri, unreachable

    trained = _trained(session, run)
    name = name or trained.run.experiment
    registry.require_names(name, alias)
    weights = trained.result["weights_sha256"]
    try:
        store = session.store()
        version, checked = registry.version_of(store, name, trained.run, weights), None
        already = version is not None
        if version is None:
            version, checked = _new_version(session, trained, name)
        registry.name_version(store, name, alias, version)
    except TrackerAway as why:
        raise unreachable(shown_uri(session.home), why) from why
    return Published(trained.name, name, version, alias, shown_uri(session.home), checked, already)


def _new_version(session: Session, trained: "Trained", name: str) -> "tuple[int, Compared]":
    """Pack the model, check it, and register it; returns the version. Raises `SuiteError` or `TrackerAway`."""
    from suite.api.reporting import send
    from suite.exporting import config, folder
    from suite.runs.asking import ask
    from suite.tracking import packing, registry

    images = session.data(trained.experiment.recipe.data)
    with TemporaryDirectory(prefix="suite-") as scratch:
        made = Path(scratch, "made")
        made.mkdir()
        facts = config.config(trained, "pt2", "")
        folder.prepare(made, facts | ask(session.executor, packing.pack, _job(session, trained, "pt2", made)))
        checked = _compared(trained, images, made)
        run_id = send(session).runs.get(trained.run.folder.name)
        if run_id is None:
            raise SuiteError(f"MLflow lacks {trained.name}.", "python -m suite sync says why.", code=MACHINE)
        tags = {
            **{f"suite.{name}": str(facts[name]) for name in ("experiment", "seed", "identity", "weights_sha256")},
            **{f"suite.{name}": str(facts[name]) for name in ("test_accuracy", "suite_version")},
            **{f"suite.check.{name}": str(value) for name, value in checked.facts().items()},
        }
        packed = made / packing.FOLDER
        return registry.register(session.store(), name, trained.run, run_id, packed, tags), checked


def _require(kind: str) -> None:
    """Raise `SuiteError` for an unknown format (2), and if what writes and reads this one is not installed (3)."""
    from suite.exporting import FORMATS

    if kind not in FORMATS:
        raise SuiteError(f"--format: {kind!r:.80} is not one of {', '.join(FORMATS)}.", "Give one of these.")
    if kind == "onnx" and (missing := [name for name in ONNX if find_spec(name) is None]):
        raise SuiteError(
            f"--format onnx: {', '.join(missing)} is not installed.",
            "Run python -m pip install 'suite[onnx]'.",
            code=MACHINE,
        )


def _trained(session: Session, word: str) -> "Trained":
    """The run that the user names, with all seeds of its recipe in this home."""
    from suite.analysis.intervals import group
    from suite.disk.journal import whole_runs
    from suite.exporting.config import Trained
    from suite.runs.naming import experiment_of, one_trained
    from suite.tracking.frame import run_key

    run = one_trained(word, session.home.runs, partial(run_key, session.home))
    others = [path.parent for path in sorted(run.folder.parent.glob(f"{run.identity[:16]}-s*/result.json"))]
    results = [one.result() for one in whole_runs(others, session.screen.warn) if one.identity == run.identity]
    accuracies = [one["metrics"]["test/accuracy"] for one in results if one and one["status"] == "finished"]
    return Trained(run, experiment_of(run, session.registry), group(accuracies))


def _job(session: Session, trained: "Trained", kind: str, into: Path, text: str = "") -> "Job":
    from suite.exporting.worker import Job

    experiment = trained.experiment
    portable = experiment.recipe.portable
    return Job(trained.run, kind, into.absolute(), text, experiment.overrides, session.folders, portable)


def _compared(trained: "Trained", data_folder: Path, made: Path) -> "Compared":
    """The export beside what the run has stored of all test images."""
    from suite.data import test_images
    from suite.exporting.reloading import compared

    recipe = trained.experiment.recipe
    images = test_images(recipe.data, data_folder)
    return compared(trained.run, recipe.loss, made.absolute(), images, made.absolute().parent)
