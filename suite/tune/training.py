"""Tasks trained by worker processes, each in a run folder of its own, so that nothing is ever trained twice."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from suite.disk.documents import Record
from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError
from suite.recipe.registry import Experiment
from suite.recipe.trial import Budget, trial_identity
from suite.runs.worker import Job, side_by_side
from suite.tune.rules import Outcome, Task, Values

Watch = Callable[[Task, Record], None]


class Training:
    """Trains what it is asked for; the folders under `trials` hold what was trained before, by any study.

    `seconds` sums up what this process's workers spent in training and validation.
    """

    def __init__(
        self,
        experiment: Experiment,
        budget: Budget,
        *,
        trials: Path,
        data_folder: Path,
        folders: tuple[Path, ...],
        workers: int,
        watch: Watch = lambda _task, _event: None,
    ) -> None:
        self.seconds = {"train": 0.0, "validate": 0.0}
        self._experiment, self._budget, self._trials = experiment, budget, trials
        self._data_folder, self._folders, self._workers, self._watch = data_folder, folders, workers, watch

    def __call__(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Train every task, equal ones once; raises `SuiteError` for a training that breaks down, not that diverges."""
        jobs = {job.run.folder: (job, task) for task in tasks for job in (self._job(task),)}
        # Small batches take longest: they come first, so that no worker is left with a long one at the end.
        ordered = sorted(jobs.values(), key=lambda pair: pair[1].values.get("batch_size", 0))
        results: dict[Path, Record] = {}
        for index, event in side_by_side([job for job, _ in ordered], self._workers):
            job, task = ordered[index]
            self._account(event)
            self._watch(task, event)
            match event["event"]:
                case "done":
                    results[job.run.folder] = event["result"]
                case "failed":
                    raise SuiteError(event["reason"], code=event["code"])
                case "ended" if job.run.folder not in results:
                    raise SuiteError(
                        f"the process that trained {job.run.folder} ended with {event['exit']}; see output.log there.",
                        "Run the same command again to go on.",
                        code=FAILED,
                    )
        return [self._outcome(self._job(task), results) for task in tasks]

    def epochs(self, values: Values, seed: int) -> list[Record]:
        """The history of a configuration that was trained under a seed."""
        return self._job(Task(values, seed)).run.history()

    def _job(self, task: Task) -> Job:
        experiment = self._experiment.changed(task.values)
        run = Run.under(self._trials, experiment.name, trial_identity(experiment, self._budget), task.seed)
        overrides = dict(experiment.overrides)
        return Job(run, self._data_folder, overrides, self._folders, self._budget, task.portion)

    def _outcome(self, job: Job, results: Mapping[Path, Record]) -> Outcome:
        """What the epochs up to the portion came to: a folder may hold more, from before a kill or of another study."""
        recipe = self._experiment.changed(job.overrides).recipe
        history = job.run.history()
        epochs = range(len(history) + 1)
        reached = [n for n in epochs if self._budget.reached(history[:n], recipe.batch_size, job.portion)]
        if not reached:
            epoch = results[job.run.folder]["epoch"]
            return Outcome(0.0, diverged=f"diverged in epoch {epoch + 1}: the loss is no finite number")
        history = history[: reached[0]]
        accuracies = [record["val_accuracy"] for record in history]
        return Outcome(
            accuracy=max(accuracies) if recipe.keep == "best" else accuracies[-1],
            seconds=sum(record["clock"]["train_seconds"] for record in history),
            images=sum(record["images"] for record in history),
            epochs=len(history),
        )

    def _account(self, event: Record) -> None:
        if event["event"] == "epoch":
            self.seconds["train"] += event["clock"]["train_seconds"]
            self.seconds["validate"] += event["clock"]["validate_seconds"]
