"""Synchronous successive halving inside a generation: who is behind at a rung is not trained any further.

K. Jamieson and A. Talwalkar, Non-stochastic best arm identification and hyperparameter optimization (2016), with the
rungs laid over epochs first and over seeds then, so that a hopeless configuration never gets its third seed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from suite.tune.rules import Evaluate, Outcome, Rules, Task, Values, objective_values

EARLY = 1 / 3  # of the budget: the first rung, under the first seed


@dataclass(frozen=True)
class Ended:
    """A trial's end: `COMPLETE`, `PRUNED` or `FAIL`, its values, and what it came to at each rung."""

    state: str
    values: tuple[float, ...]
    reports: tuple[tuple[int, float], ...]
    facts: Mapping[str, Any]


def rungs(rules: Rules) -> list[tuple[int, float]]:
    """Seed and portion of the budget of every rung; a single epoch has no early one."""
    early = [(0, EARLY)] if rules.pruning and rules.experiment.recipe.epochs > 1 else []
    return [*early, *((seed, 1.0) for seed in range(rules.seeds))]


def survivors(begun: int, left: int) -> int:
    """How many of `left` trials pass a rung in a generation of `begun`: the better half, but never under a quarter."""
    return min(left, max(math.ceil(left / 2), math.ceil(begun / 4)))


def run_generation(trials: Mapping[int, Values], rules: Rules, evaluate: Evaluate) -> dict[int, Ended]:
    """Train a generation's trials, by number, from rung to rung; returns how each of them ended.

    Rungs at which nobody would be stopped are trained as one, so that no worker waits for another there.
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
    """A configuration in training: what it came to under each seed so far."""

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
    """The mean over the seeds that a trial was trained under; None where it has none."""
    return fmean(facts["accuracies"]) if facts.get("accuracies") else None
