"""Trains a recorded run again from its recipe, and compares every number, bit for bit."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.analysis.sameness import Difference, environment_changes, first_difference
from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError
from suite.execute.executor import Executor
from suite.recipe.registry import Registry
from suite.runs.events import ShowRuns
from suite.runs.naming import experiment_of, name_of
from suite.runs.plan import Planned
from suite.runs.training import DataFolder, train_unrecorded
from suite.text import plural, shown


@dataclass(frozen=True)
class Verdict:
    """The result for one run: `identical`, `different`, or `refused` because of `reason`."""

    folder: Path
    status: str
    difference: Difference | None = None
    environment: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str = ""
    code: int = 0
    weights: str = ""
    epochs: int = 0

    @property
    def name(self) -> str:
        """The run's name, like `lenet-s0`."""
        return name_of(self.folder)

    def line(self) -> str:
        """The verdict as a sentence."""
        name = f"{name_of(self.folder)} ({self.folder.name[:12]})"
        if self.status == "identical":
            what = f"weights {self.weights[:12]}" if self.weights else "diverged as before"
            return f"{name}: identical: {what}, every metric of {plural(self.epochs, 'epoch')}."
        if self.difference is None:
            return f"{name}: {self.status}: {self.reason}"
        changes = [f"{key} {shown(before)} then, {shown(now)} now" for key, (before, now) in self.environment.items()]
        why = f"Possible causes: {'; '.join(changes)}." if changes else (
            "The recorded environments are equal: look for a network that draws from another source than torch, "
            "numpy.random or random, for one that keeps values outside its state_dict, or for faulty memory."
        )  # fmt: skip
        return f"{name}: different, first in {self.difference.words()}. {why}"

    def facts(self) -> dict[str, Any]:
        """The values that `verify --json` prints."""
        return {
            "run": name_of(self.folder), "folder": str(self.folder), "status": self.status, "reason": self.reason,
            "weights_sha256": self.weights, "epochs": self.epochs,
            "difference": self.difference.facts() if self.difference else None,
            "environment": {key: {"before": before, "now": now} for key, (before, now) in self.environment.items()},
        }  # fmt: skip


def verify_all(
    runs: Sequence[Path],
    registry: Registry,
    *,
    executor: Executor,
    data_folder: DataFolder,
    folders: tuple[Path, ...],
    show: ShowRuns,
    scratch: Path | None = None,
) -> list[Verdict]:
    """Train each run again in a temporary folder, and compare it; a run that cannot be trained again is refused.

    The temporary folder is made in `scratch`, which the executor's machines must reach.
    """
    verdicts: dict[Path, Verdict] = {}
    planned: dict[Path, Planned] = {}
    with tempfile.TemporaryDirectory(prefix="suite-verify-", dir=scratch) as temporary:
        for folder in runs:
            try:
                again = _plan_again(folder, registry, Path(temporary))
                data_folder(again.experiment.recipe.data)  # a set that cannot be fetched ends no other run
                planned[folder] = again
            except SuiteError as error:
                verdicts[folder] = Verdict(folder, "refused", reason=str(error), code=error.code)
        train_unrecorded(list(planned.values()), executor, data_folder, folders, show)
        verdicts |= {folder: _judge(Run.at(folder), again) for folder, again in planned.items()}
    return [verdicts[folder] for folder in runs]


def _plan_again(folder: Path, registry: Registry, scratch: Path) -> Planned:
    """The run with the recipe that its folder records; raises `SuiteError` (2) if its identity would differ now."""
    run = Run.at(folder)
    run.check_files()
    return Planned(experiment_of(run, registry), Run.under(scratch, run.experiment, run.identity, run.seed))


def _judge(run: Run, again: Planned) -> Verdict:
    """Compare the recorded numbers with the new ones."""
    before, now = run.result(), again.result
    if before is None or now is None:
        return Verdict(run.folder, "refused", reason=again.reason, code=again.code or FAILED)
    difference = first_difference(run.history(), again.run.history(), before, now)
    if difference is None:
        weights = before.get("weights_sha256", "")
        return Verdict(run.folder, "identical", weights=weights, epochs=len(run.history()))
    changes = environment_changes(before["environment"], now["environment"])
    return Verdict(run.folder, "different", difference=difference, environment=changes, code=FAILED)
