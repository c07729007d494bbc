"""What is to be trained: pairs of recipe and seed, and which of them are finished already."""

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
    """One run, and what has become of it so far.

    `status` is `planned`, `running`, `finished`, `diverged`, `failed`, `killed` or `interrupted`; `skipped` says that
    its result was there before this command.
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
        """Bring the state up to date with what the run's process said, or how it ended."""
        match event:
            case Started():
                self.status = "running"
            case Done(result):
                self.result, self.status = result, result["status"]
            case Failed(reason, code):
                self.status, self.reason, self.code = "failed", reason, code
            case Ended(code) if self.status in ("planned", "running") and code != 0:
                self.status, self.reason, self.code = "killed", self._how_it_died(code), FAILED

    def interrupt(self) -> None:
        """Note that the command ended before the run did."""
        if self.status == "running":
            self.status, self.reason = "interrupted", "run the same command again to go on"

    def job(self, data_folder: Callable[[str], Path], folders: tuple[Path, ...]) -> Job:
        """What its process needs to know."""
        return Job(self.run, data_folder(self.experiment.recipe.data), dict(self.experiment.overrides), folders)

    def begun(self) -> bool:
        """Whether there is anything in the run's folder to tell of."""
        return (self.run.folder / "recipe.json").exists()

    def _how_it_died(self, code: int) -> str:
        if code >= 0:
            return f"its process ended with exit code {code}; see {self.run.folder / 'output.log'}"
        hint = "; the system may have run out of memory" if code == -signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{hint}; run the same command again to go on"

    def facts(self) -> Mapping[str, Any]:
        """What `run --json` prints of it."""
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
    """Every experiment under every seed, the first seed of all before the second of any; finished ones are marked.

    Within a seed the longest comes first, so that no core is left with a long run at the end.

    A finished run whose folder is damaged is `failed` from the start: the others go on without it.
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
    """1 for any run that diverged or broke down; a refusal's own code where refusals are all there is."""
    if any(item.status in ("diverged", "killed") for item in planned):
        return FAILED
    return worst([*(item.code for item in planned if item.status == "failed"), trouble.code if trouble else 0])


def worst(codes: Sequence[int]) -> int:
    """The exit code of a command whose parts ended with these: a failure before a refusal."""
    return FAILED if FAILED in codes else max(codes, default=0)
