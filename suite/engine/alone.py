"""The one experiment of a process that trains it: no other file is run there."""

from collections.abc import Iterable
from pathlib import Path

from suite.engine import exact
from suite.recipe import registry
from suite.recipe.experiment import Experiment


def load_alone(name: str, folders: Iterable[Path], file: Path | None = None) -> Experiment:
    """The experiment of this name, from `file`, or from its own in these folders, ours, or a package; loads torch.

    Raises `SuiteError` (2) as `Registry.choose` does, and if the file changes one of the global switches.
    """
    before = exact.switched()
    experiment = registry.load_file(file) if file else registry.load(folders, alone=True).choose([name])[0]
    exact.require_unchanged(before, experiment.path, "its import")
    return experiment
