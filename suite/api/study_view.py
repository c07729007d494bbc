"""Shows a running study: bars on a terminal, plain lines in a pipe."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from suite.recipe.values import as_words
from suite.runs.events import Done, Event
from suite.tuning.halving import mean_accuracy, rungs, survivors
from suite.tuning.rules import Rules, Task, Values
from suite.tuning.study import Trial


class Place(Protocol):
    """Where a study is shown: lines, and bars if it is `live`, on rich's `console`."""

    live: bool
    console: Any

    def say(self, line: str) -> None:
        """Show a line."""


def planned_work(rules: Rules, trials: int) -> float:
    """The expected amount of training for `trials` more trials; the unit is one whole budget."""
    total = 0.0
    while trials > 0:
        begun = alive = min(trials, rules.generation)
        spent: dict[int, float] = {}
        for seed, portion in rungs(rules):
            total += alive * (portion - spent.get(seed, 0.0))
            spent[seed] = portion
            alive = survivors(begun, alive) if rules.pruning else alive
        trials -= begun
    return total


class StudyView:
    """Shows generations and trials as they end; used as a context."""

    def __init__(self, terminal: Place, rules: Rules, *, done: int, total: int, finals: int) -> None:
        self._terminal, self._rules, self._total, self._done = terminal, rules, total, done
        self._finals = finals
        self._work = planned_work(rules, total - done) + finals
        self._finished, self._begun = 0.0, time.monotonic()
        self._portions: dict[tuple[str, int], float] = {}
        self._states = {"running": 0, "pruned": 0}
        self._best = ""
        self._progress: Any = None
        self._bar: Any = None
        if terminal.live:
            self._progress, self._bar = self._make_progress()

    def __enter__(self) -> "StudyView":
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress:
            self._progress.stop()

    def generation_started(self, trials: Mapping[int, Values]) -> None:
        """Show that a generation starts."""
        first, last = min(trials), max(trials)
        self._states["running"] = len(trials)
        self._terminal.say(f"trials {first} to {last} of {self._total}")
        self._refresh()

    def event(self, task: Task, event: Event) -> None:
        """Count the training that is done."""
        if isinstance(event, Done):
            key = (as_words(task.values), task.seed)
            self._finished += max(0.0, task.portion - self._portions.get(key, 0.0))
            self._portions[key] = max(task.portion, self._portions.get(key, 0.0))
            self._refresh()

    def generation_ended(self, trials: list[Trial]) -> None:
        """Show that a generation has ended."""
        for one in trials[self._done :]:
            self._terminal.say(_line(one))
        self._done = len(trials)
        # The remaining work is planned again: only now it is known how many trials passed each rung.
        self._work = self._finished + planned_work(self._rules, self._total - self._done) + self._finals
        complete = sorted((one for one in trials if one.state == "COMPLETE"), key=lambda one: -one.results[0])
        self._states = {"running": 0, "pruned": sum(one.state == "PRUNED" for one in trials)}
        if complete:
            self._best = f"best so far: trial {complete[0].number}, {_result(complete[0])}"
        if not self._progress:
            self._terminal.say(f"{self._done} of {self._total} trials; {self._best or 'none complete'}{self._left()}")
        self._refresh()

    def _left(self) -> str:
        if not self._finished or self._work <= self._finished:
            return ""
        seconds = (time.monotonic() - self._begun) * (self._work - self._finished) / self._finished
        return f"; about {seconds / 60:.0f} min left" if seconds >= 60 else f"; about {seconds:.0f} s left"

    def _refresh(self) -> None:
        if self._progress:
            running, pruned = self._states["running"], self._states["pruned"]
            figures = f"{self._done}/{self._total} trials  {running} running  {pruned} pruned  {self._best}"
            self._progress.update(self._bar, total=self._work, completed=self._finished, figures=figures)

    def _make_progress(self) -> tuple[Any, Any]:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        progress = Progress(
            TextColumn(f"study {self._rules.study}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._terminal.console,
            transient=True,
        )
        return progress, progress.add_task("study", total=self._work, figures=f"{self._done}/{self._total} trials")


def _line(one: Trial) -> str:
    accuracy = mean_accuracy(one.facts)
    match one.state:
        case "COMPLETE":
            end = _result(one)
        case "PRUNED":
            seeds = len(one.facts["accuracies"])
            end = f"pruned at {accuracy:.4f} under {seeds} of its seeds, {one.facts['epochs']} epochs"
        case _:
            end = f"failed: {one.facts.get('reason', '')}"
    return f"trial {one.number}  {as_words(one.values)}  {end}"


def _result(one: Trial) -> str:
    return f"{mean_accuracy(one.facts):.4f} in {one.facts['seconds'] / len(one.facts['accuracies']):.1f} s a seed"
