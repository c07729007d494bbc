"""The plan of a command: pairs of recipe and seed, and which of them are finished already."""

import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.disk.documents import Result
from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.events import Done, Ended, Event, Failed, Started
from suite.runs.worker import Job


@dataclass
class Planned:
    """One run and its current state.

    `status` is `planned`, `running`, `finished`, `diverged`, `failed`, `killed`, `interrupted`, or `no data`: its data
    set cannot be fetched. `skipped` means that it had a result before this command.
    """

    experiment: Experiment
    run: Run
    status: str = "planned"
    skipped: bool = False
    reason: str = ""
    code: int = 0
    result: Result | None = None
    mlflow_run_id: str | None = None

    def note(self, event: Event) -> None:
        """Update the state after an event of the run's process."""
        match event:
            case Started():
                self.status = "running"
            case Done(result):
                self.result, self.status = result, result["status"]
            case Failed(reason, code):
                self.status, self.reason, self.code = "failed", reason, code
            case Ended(code) if self.status == "running" or (self.status == "planned" and code != 0):
                self.status, self.reason, self.code = "killed", self._how_it_died(code), FAILED

    def interrupt(self) -> None:
        """Update the state if the command ends before the run."""
        if self.status == "running":
            self.status, self.reason = "interrupted", "run the same command again to continue"

    def skip(self, error: SuiteError) -> None:
        """Update the state if its data set cannot be fetched: it will not be trained."""
        self.status, self.reason, self.code = "no data", str(error), error.code

    def job(self, data_folder: Callable[[str], Path], folders: tuple[Path, ...]) -> Job:
        """The job for the run's process."""
        recipe = self.experiment.recipe
        return Job(
            self.run,
            data_folder(recipe.data),
            dict(self.experiment.overrides),
            self.experiment.found_in(folders),
            portable=recipe.portable,
            file=self.experiment.file,
            images=recipe.epochs * recipe.training_images(),
        )

    def begun(self) -> bool:
        """Whether the run's folder has a recipe, so that it can be copied to MLflow."""
        return (self.run.folder / "recipe.json").exists()

    def _how_it_died(self, code: int) -> str:
        if code >= 0:
            why = f"its process ended by itself with exit code {code}; the experiment's code may call os._exit()"
            return f"{why}. Its output is in {self.run.folder / 'output.log'}"
        hint = "; the system may have run out of memory" if code == -signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{hint}; run the same command again to continue"

    def facts(self) -> Mapping[str, Any]:
        """The values that `run --json` prints."""
        result: Result = self.result or {"status": self.status}
        return {
            "experiment": self.run.experiment,
            "seed": self.run.seed,
            "identity": self.run.identity,
            "status": self.status,
            "skipped": self.skipped,
            "reason": self.reason,
            "overrides": dict(self.experiment.overrides),
            "weights_sha256": result.get("weights_sha256"),
            "metrics": {**result.get("metrics", {}), **result.get("clock", {})},
            "folder": str(self.run.folder),
            "mlflow_run_id": self.mlflow_run_id,
        }


def plan(experiments: Iterable[Experiment], seeds: Iterable[int], runs: Path) -> list[Planned]:
    """Every experiment with every seed: the first seed of all experiments, then the second. Finished runs are marked.

    Within a seed the longest run comes first, so that no long run is left for the end.

    A finished run whose folder is damaged has the status `failed` from the start. The other runs are trained.
    """
    chosen = sorted(experiments, key=lambda one: -one.recipe.epochs * one.recipe.training_images())
    planned = [Planned(one, Run.under(runs, one.name, one.identity, seed)) for seed in seeds for one in chosen]
    for item in planned:
        try:
            item.result = item.run.check_files()
        except SuiteError as error:
            item.status, item.reason, item.code = "failed", str(error), error.code
        else:
            if item.result is not None:
                item.status, item.skipped = item.result["status"], True
    return planned


def exit_code(planned: Sequence[Planned], trouble: SuiteError | None) -> int:
    """The exit code: 1 if any run diverged or failed; if there are only refusals, the code of the refusal."""
    if any(item.status in ("diverged", "killed") for item in planned):
        return FAILED
    refused = [item.code for item in planned if item.status in ("failed", "no data")]
    return worst([*refused, trouble.code if trouble else 0])


def worst(codes: Sequence[int]) -> int:
    """The exit code of a command whose parts ended with `codes`: a failure comes before a refusal."""
    return FAILED if FAILED in codes else max(codes, default=0)
