"""The steps of one `tune` command: search, judge under fresh seeds, test a winner that is better."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from suite.analysis.intervals import group
from suite.disk.documents import Record
from suite.disk.home import Home
from suite.engine import exact
from suite.errors import FAILED, SuiteError
from suite.execute.executor import Executor
from suite.recipe.experiment import Experiment
from suite.recipe.trial import Budget
from suite.runs.events import Event
from suite.runs.plan import Planned, plan
from suite.runs.training import DataFolder
from suite.tuning import document as record
from suite.tuning.classes import Classes
from suite.tuning.fresh import FINALISTS, fresh_seeds, judge
from suite.tuning.rules import Rules, Task, Values
from suite.tuning.search import search
from suite.tuning.sentences import winner_words
from suite.tuning.storage import claimed, open_study, storing
from suite.tuning.study import Study, Trial
from suite.tuning.training import Training


@dataclass(frozen=True)
class Order:
    """The options of one command that are not rules of the study, and the objects that it works with."""

    trials: int
    fresh: int
    until: float | None
    begun: float
    home: Home
    executor: Executor
    workers: int
    data_folder: DataFolder
    folders: tuple[Path, ...]
    command: str = field(default_factory=lambda: uuid4().hex)


Work = tuple[Record, Study, dict[str, float]]


class StudyView(Protocol):
    """Shows a study while it goes on; used as a context."""

    def __enter__(self) -> "StudyView": ...
    def __exit__(self, *error: Any) -> None: ...
    def generation_started(self, trials: Mapping[int, Values]) -> None:
        """Show that a generation starts; `trials` are its values by trial number."""

    def event(self, task: Task, event: Event) -> None:
        """Show an event of a task's training."""

    def generation_ended(self, trials: list[Trial]) -> None:
        """Show that a generation has ended; `trials` are all trials of the study."""


class OpenView(Protocol):
    """Opens a view of a study with `done` of `total` trials. `finals` is the number of trainings under fresh seeds."""

    def __call__(self, rules: Rules, *, done: int, total: int, finals: int) -> AbstractContextManager[StudyView]: ...


def work_on(rules: Rules, order: Order, open_view: OpenView, publish: Callable[[Record], None]) -> Work:
    """Bring the study to its number of trials and judge its winner.

    The caller holds the study's lock. `publish` gets the study's document after each generation. Returns the document,
    the study, and the seconds of training. Raises `SuiteError`.
    """
    with storing():
        study = open_study(order.home, rules)
        rules = _with_measured_seconds(study, rules, order)
        done = len(study.trials())
        finals = (FINALISTS + 1) * order.fresh
        with open_view(rules, done=done, total=order.trials, finals=finals) as view:
            training = _training(study, rules, order, view)

            def on_end(trials: list[Trial]) -> None:
                view.generation_ended(trials)
                publish(keep(study, rules, order, training.seconds))

            trials = search(
                study, rules, order.trials, training,
                on_start=view.generation_started, on_end=on_end, until=order.until,
            )  # fmt: skip
            outcome = study.notes.get("outcome")
            if not outcome or (outcome["of"], len(outcome["seeds"])) != (len(trials), order.fresh):
                found = judge(study, rules, training, count=order.fresh)
                study.note("outcome", {**found, "of": len(trials)} if found else None)
        facts = keep(study, rules, order, training.seconds)
        publish(facts)
        return facts, study, training.seconds


def keep(study: Study, rules: Rules, order: Order, seconds: Mapping[str, float]) -> Record:
    """Write the study's document with the time of all commands; `seconds` is this one's for training and validation.

    `capacity` is the elapsed time multiplied by the number of workers.
    """
    wall = time.monotonic() - order.begun
    mine = {**seconds, "wall": wall, "capacity": wall * order.workers}
    with storing():
        before = study.notes.get("cost", {})
        if before.get("command") != order.command:
            study.note("before", before)
        earlier = study.notes.get("before", {})
        cost = {name: earlier.get(name, 0.0) + value for name, value in mine.items()}
        study.note("cost", {**cost, "command": order.command})
        return record.write(order.home, study, _with_measured_seconds(study, rules, order), cost, exact.machine())


def winner(facts: Record, rules: Rules) -> Experiment | None:
    """The winner as an experiment, if it is better than the published setting; else None."""
    outcome = facts["outcome"]
    if not outcome or outcome["verdict"]["word"] != "better":
        return None
    return best_trial(outcome, rules)


def best_trial(outcome: Record, rules: Rules) -> Experiment:
    """The trial that the search ranks first as an experiment, better than the published setting or not."""
    best = outcome["rows"][0]
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in best["values"].items()}
    # With a budget of steps or seconds, the number of epochs depends on the batch size.
    return rules.experiment.changed({**values, "epochs": best["epochs"]})


def plan_test(experiment: Experiment, rules: Rules, order: Order) -> list[Planned]:
    """The winner's runs for the test: ordinary runs on all training images, with the fresh seeds."""
    return plan([experiment], fresh_seeds(rules, order.fresh), order.home.runs)


def note_test(study: Study, facts: Record, planned: Sequence[Planned]) -> None:
    """Store the winner's test accuracy, and the number of winners of this study that were tested so far."""
    results = [item.result for item in planned]
    if any(result is None or result["status"] != "finished" for result in results):
        lost = next(item for item in planned if not item.result or item.result["status"] != "finished")
        raise SuiteError(f"the winner's run {lost.run.name}: {(lost.reason or lost.status).rstrip('.')}.", code=FAILED)
    values = group([result["metrics"]["test/accuracy"] for result in results if result])
    with storing():
        tested = [*(one for one in study.notes.get("tested", []) if one != winner_words(facts)), winner_words(facts)]
        interval = [values.interval.low, values.interval.high] if values.interval else None
        test = {"winner": tested[-1], "mean": values.mean, "interval": interval, "n": values.n, "looks": len(tested)}
        study.note("tested", tested)
        study.note("test", test)


def with_test(seconds: Mapping[str, float], planned: Sequence[Planned]) -> dict[str, float]:
    """`seconds` plus the time of the winner's runs that this command trained."""
    clocks = [item.result["clock"] for item in planned if item.result and not item.skipped]
    named = (("train", "perf/train_seconds"), ("validate", "perf/evaluation_seconds"))
    return {name: seconds[name] + sum(clock.get(key, 0.0) for clock in clocks) for name, key in named}


def _training(study: Study, rules: Rules, order: Order, view: StudyView | None = None) -> Training:
    return Training(
        rules.experiment,
        rules.budget,
        trials=order.home.trials,
        executor=order.executor,
        data_folder=order.data_folder,
        folders=order.folders,
        watch=view.event if view else lambda _task, _event: None,
        classes=Classes(study.notes.get("classes", {}), lambda known: study.note("classes", known)),
    )


def _with_measured_seconds(study: Study, rules: Rules, order: Order) -> Rules:
    """Set a budget in seconds to the published setting's training time here, measured once for each study."""
    if rules.budget.kind != "seconds":
        return rules
    seconds = study.notes.get("seconds")
    if seconds is None:
        once = _training(study, replace(rules, budget=Budget("samples", rules.experiment.recipe.epochs)), order)
        [outcome] = once([Task({}, 0)])
        if outcome.diverged:
            raise SuiteError(f"the published setting {outcome.diverged}.", "Choose --budget samples.", code=FAILED)
        seconds = outcome.seconds
        study.note("seconds", seconds)
    return replace(rules, budget=Budget("seconds", seconds))


__all__ = ["Order", "claimed", "keep", "note_test", "plan_test", "winner", "with_test", "work_on"]
