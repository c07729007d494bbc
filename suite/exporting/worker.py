"""The work of the process that exports: builds a finished run's network and writes the model's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk import files
from suite.disk.journal import Run
from suite.runs.worker import load_engine

if TYPE_CHECKING:
    from suite.exporting.program import Program
    from suite.recipe.experiment import Experiment

NETWORK, GRAPH = "network.py", "network.pt2"


@dataclass(frozen=True)
class Job:
    """A finished run, its experiment's overrides, the format, and the folder for the files.

    `network_text` is the program text of a network that stands alone, empty for any other. `folders` are the user's
    own folders of experiments; `portable` is the recipe's.
    """

    run: Run
    kind: str
    into: Path
    network_text: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    portable: bool = False


def export(job: Job) -> dict[str, Any]:
    """Write the model's files; returns what a loading program must know besides. Raises `SuiteError` (2, 3)."""
    experiment, program = built(job)
    import torch

    facts = {"export_torch_version": str(torch.__version__)}
    if job.kind == "safetensors":
        return facts | _safetensors(job, experiment, program)
    _write_graph(job.into / f"model.{job.kind}", experiment, program)
    return facts


def built(job: Job) -> "tuple[Experiment, Program]":
    """The run's experiment and its whole program, with the stored weights."""
    load_engine(portable=job.portable)
    from suite.engine.alone import load_alone
    from suite.engine.trained import trained_network
    from suite.exporting.program import Program

    experiment = load_alone(job.run.experiment, job.folders).changed(job.overrides)
    return experiment, Program(trained_network(experiment, job.run), experiment.recipe)


def _safetensors(job: Job, experiment: "Experiment", program: "Program") -> dict[str, Any]:
    """The weights, and beside them the network's text or, where that does not stand alone, its graph."""
    from safetensors.torch import save

    from suite.engine import checkpoint
    from suite.engine.draws import draw

    weights = checkpoint.load_tensors(job.run.folder / "weights.safetensors")
    files.write(job.into / "model.safetensors", save(weights, metadata={"format": "pt"}))
    if not job.network_text:
        _write_graph(job.into / GRAPH, experiment, program)
        return {}
    files.write(job.into / NETWORK, job.network_text.encode())
    return {"init_seed": draw(job.run.seed, "init", 0)}


def _write_graph(path: Path, experiment: "Experiment", program: "Program") -> None:
    from suite.exporting.program import onnx, pt2, traced

    graph = traced(program, experiment.recipe, experiment.path)
    files.write(path, onnx(graph, experiment.recipe, experiment.path) if path.suffix == ".onnx" else pt2(graph))
