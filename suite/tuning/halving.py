"""Synchronous successive halving within a generation: at each rung, the worse trials are pruned.

Source: K. Jamieson and A. Talwalkar, Non-stochastic best arm identification and hyperparameter optimization (2016).
Here the first rung is a part of the epochs and the next rungs are seeds, so a bad configuration is not trained with
all seeds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from suite.tuning.rules import Evaluate, Outcome, Rules, Task, Values, objective_values

EARLY = 1 / 3  # portion of the budget at the first rung, under the first seed


@dataclass(frozen=True)
class Ended:
    """A finished trial: its state (`COMPLETE`, `PRUNED`, `FAIL`), its objective values, and its value at each rung."""

    state: str
    values: tuple[float, ...]
    reports: tuple[tuple[int, float], ...]
    facts: Mapping[str, Any]


def rungs(rules: Rules) -> list[tuple[int, float]]:
    """The rungs as (seed, portion of the budget); there is no early rung without pruning or for a single epoch."""
    early = [(0, EARLY)] if rules.pruning and rules.experiment.recipe.epochs > 1 else []
    return [*early, *((seed, 1.0) for seed in range(rules.seeds))]


def survivors(begun: int, left: int) -> int:
    """How many of `left` trials pass a rung: the better half, but at least a quarter of the `begun` trials."""
    return min(left, max(math.ceil(left / 2), math.ceil(begun / 4)))


def run_generation(trials: Mapping[int, Values], rules: Rules, evaluate: Evaluate) -> dict[int, Ended]:
    """Train the trials of a generation, given by number, rung by rung; returns the end of each trial, by number.

    Rungs at which no trial would be pruned are trained together with the next one, so that no worker has to wait.
    """
    alive = {number: _Trial(values, rules) for number, values in sorted(trials.items())}
    ended: dict[int, Ended] = {}
    last = len(rungs(rules)) - 1
    waiting: list[tuple[int, float]] = []
    for step, rung in enumerate(rungs(rules)):
        waiting = [*(one for one in waiting if one[0] != rung[0]), rung]
        keep = survivors(len(trials), len(alive)) if rules.pruning else len(alive)
        if keep == len(alive) and step < last:
            continue
        _train(alive, waiting, evaluate)
        waiting = []
        for number in [number for number, trial in alive.items() if trial.diverged]:
            ended[number] = alive.pop(number).end("FAIL")
        for trial in alive.values():
            trial.report(step)
        if step < last:
            ranked = sorted(alive, key=lambda number: (-alive[number].reports[-1][1], number))
            for number in ranked[survivors(len(trials), len(alive)) if rules.pruning else len(alive) :]:
                ended[number] = alive.pop(number).end("PRUNED")
    return ended | {number: trial.end("COMPLETE") for number, trial in alive.items()}


class _Trial:
    """A trial in training, with its outcomes by seed so far."""

    def __init__(self, values: Values, rules: Rules) -> None:
        self.values, self.rules = values, rules
        self.found: dict[int, Outcome] = {}
        self.reports: list[tuple[int, float]] = []

    @property
    def diverged(self) -> str:
        return next((f"seed {seed}: {one.diverged}" for seed, one in sorted(self.found.items()) if one.diverged), "")

    def report(self, step: int) -> None:
        self.reports.append((step, objective_values(self.rules.objective, list(self.found.values()))[0]))

    def end(self, state: str) -> Ended:
        found = [self.found[seed] for seed in sorted(self.found)]
        seconds, images = math.fsum(one.seconds for one in found), sum(one.images for one in found)
        facts = {
            "accuracies": [one.accuracy for one in found if not one.diverged],
            "seconds": seconds,
            "images_per_second": images / seconds if seconds else 0.0,
            "epochs": sum(one.epochs for one in found),
            "reason": self.diverged,
        }
        values = objective_values(self.rules.objective, found) if state == "COMPLETE" else ()
        return Ended(state, values, tuple(self.reports), facts)


def _train(alive: Mapping[int, _Trial], rungs: list[tuple[int, float]], evaluate: Evaluate) -> None:
    asked = [(trial, seed, portion) for trial in alive.values() for seed, portion in rungs]
    outcomes = evaluate([Task(trial.values, seed, portion) for trial, seed, portion in asked])
    for (trial, seed, _), outcome in zip(asked, outcomes, strict=True):
        trial.found[seed] = outcome


def mean_accuracy(facts: Mapping[str, Any]) -> float | None:
    """The mean accuracy over a trial's seeds; None if it has no accuracy."""
    return fmean(facts["accuracies"]) if facts.get("accuracies") else None
