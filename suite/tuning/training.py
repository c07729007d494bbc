"""Trains tasks in worker processes. Each has a run folder of its own, so nothing is trained twice."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from suite.disk.documents import Epoch, Result
from suite.disk.journal import Run
from suite.errors import FAILED, SuiteError
from suite.execute.executor import Executor
from suite.recipe.experiment import Experiment
from suite.recipe.trial import Budget, training_images, trial_identity
from suite.runs.events import Done, Ended, EpochEnded, Event, Failed
from suite.runs.training import DataFolder
from suite.runs.worker import Job, work
from suite.tuning.classes import Classes
from suite.tuning.rules import Outcome, Task, Values

Watch = Callable[[Task, Event], None]


class Training:
    """Trains tasks. What any study has trained before is in the folders below `trials` and is used again.

    All tasks are trained on machines of the same numeric `classes`: a worker on another one refuses them.

    `seconds` is the time that the workers of this process spent on training and on validation.
    """

    def __init__(
        self,
        experiment: Experiment,
        budget: Budget,
        *,
        trials: Path,
        executor: Executor,
        data_folder: DataFolder,
        folders: tuple[Path, ...],
        watch: Watch = lambda _task, _event: None,
        classes: Classes | None = None,
    ) -> None:
        self.seconds = {"train": 0.0, "validate": 0.0}
        self._experiment, self._budget, self._trials = experiment, budget, trials
        self._executor, self._data_folder, self._folders, self._watch = executor, data_folder, folders, watch
        self._classes = classes or Classes({}, lambda _: None)

    def __call__(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Train every task, equal tasks once. Raises `SuiteError` if a training fails, but not if it diverges."""
        jobs = {job.run.folder: (job, task) for task in tasks for job in (self._job(task),)}
        # Small batches take the longest: they come first, so that no long training is left for the end.
        ordered = sorted(jobs.values(), key=lambda pair: pair[1].values.get("batch_size", 0))
        results: dict[Path, Result] = {}
        with closing(self._executor.run(work, [job for job, _ in ordered])) as events:
            for index, event in events:
                job, task = ordered[index]
                self._account(event)
                self._watch(task, event)
                if isinstance(event, EpochEnded | Done):
                    self._classes.learn(job.run)
                match event:
                    case Done(result):
                        results[job.run.folder] = result
                    case Failed(reason, code):
                        raise SuiteError(reason, code=code)
                    case Ended(code) if job.run.folder not in results:
                        raise SuiteError(
                            f"the process that trained {job.run.folder} ended with {code}; see output.log there.",
                            "Run the same command again to go on.",
                            code=FAILED,
                        )
        return [self._outcome(self._job(task), results) for task in tasks]

    def epochs(self, values: Values, seed: int) -> list[Epoch]:
        """The history of a configuration that was trained with this seed."""
        return self._job(Task(values, seed)).run.history()

    def _job(self, task: Task) -> Job:
        experiment = self._experiment.changed(task.values)
        run = Run.under(self._trials, experiment.name, trial_identity(experiment, self._budget), task.seed)
        run = replace(run, only=dict(self._classes.known))
        overrides = dict(experiment.overrides)
        folder = self._data_folder(experiment.recipe.data)
        recipe = experiment.recipe
        images = round(recipe.epochs * task.portion) * training_images(recipe.data)
        return Job(
            run, folder, overrides, self._folders, self._budget, task.portion, recipe.portable,
            file=experiment.file, images=images,
        )  # fmt: skip

    def _outcome(self, job: Job, results: Mapping[Path, Result]) -> Outcome:
        """The outcome of the epochs up to the portion; the folder may have more, from an earlier command or study."""
        recipe = self._experiment.changed(job.overrides).recipe
        history = job.run.history()
        epochs = range(len(history) + 1)
        reached = [n for n in epochs if self._budget.reached(history[:n], recipe.batch_size, job.portion)]
        if not reached:
            epoch = results[job.run.folder]["epoch"]
            return Outcome(0.0, diverged=f"diverged in epoch {epoch + 1}: the loss is no finite number")
        history = history[: reached[0]]
        accuracies = [float(record["val_accuracy"] or 0) for record in history]  # a trial always has one
        return Outcome(
            accuracy=max(accuracies) if recipe.keep == "best" else accuracies[-1],
            seconds=sum(record["clock"]["train_seconds"] for record in history),
            images=sum(record["images"] for record in history),
            epochs=len(history),
        )

    def _account(self, event: Event) -> None:
        if isinstance(event, EpochEnded):
            clock = event.epoch["clock"]
            self.seconds["train"] += clock["train_seconds"]
            self.seconds["validate"] += clock["validate_seconds"]
