"""What is to be trained: pairs of recipe and seed, and which of them are finished already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.engine.journal import Record, Run
from suite.errors import FAILED, SuiteError
from suite.registry import Experiment


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
    result: Record | None = None
    mlflow_run_id: str | None = None

    def facts(self) -> Mapping[str, Any]:
        """What `run --json` prints of it."""
        return {
            "experiment": self.run.experiment,
            "seed": self.run.seed,
            "identity": self.run.identity,
            "status": self.status,
            "skipped": self.skipped,
            "reason": self.reason,
            "overrides": dict(self.experiment.overrides),
            "weights_sha256": (self.result or {}).get("weights_sha256"),
            "metrics": {**(self.result or {}).get("metrics", {}), **(self.result or {}).get("clock", {})},
            "folder": str(self.run.folder),
            "mlflow_run_id": self.mlflow_run_id,
        }


def plan(experiments: Iterable[Experiment], seeds: Iterable[int], runs: Path) -> list[Planned]:
    """Every experiment under every seed, the first seed of all before the second of any; finished ones are marked.

    Within a seed the longest comes first, so that no core is left with a long run at the end.

    Raises `SuiteError` (2) where the result of a finished run is damaged.
    """
    chosen = sorted(experiments, key=lambda one: -one.recipe.epochs * one.recipe.training_images())
    planned = [Planned(one, Run.under(runs, one.name, one.identity, seed)) for seed in seeds for one in chosen]
    for item in planned:
        item.result = item.run.result()
        if item.result is not None:
            item.status, item.skipped = item.result["status"], True
    return planned


def exit_code(planned: Sequence[Planned], trouble: SuiteError | None) -> int:
    """1 for any run that diverged or broke down; a refusal's own code where refusals are all there is."""
    if any(item.status in ("diverged", "killed") for item in planned):
        return FAILED
    codes = {item.code for item in planned if item.status == "failed"} | ({trouble.code} if trouble else set())
    return FAILED if FAILED in codes else max(codes, default=0)
