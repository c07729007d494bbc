"""Compare experiments that are each tuned under the same budget, by several independent studies."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from suite.api.comparing import called, groups_of, train_planned
from suite.api.session import Named, Session
from suite.api.tuned_results import TunedCompared, Tuning
from suite.api.tuning import order_of
from suite.disk.documents import Record
from suite.errors import FAILED, SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.space import Space
from suite.runs.plan import Planned, plan
from suite.tuning.request import Request
from suite.tuning.rules import Rules

JUDGED = 3  # fresh seeds with which each study judges its best trials, on validation images
DWARFS = 4  # times as many points: then the space alone may decide


@dataclass(frozen=True)
class TuningBudget:
    """What each side may spend: `trials` in each of `studies` studies, and `seeds` test runs of each winner.

    `budget` is how long a trial trains, as in `tune`; `sampler` draws the trials, all of a `random` search to the end.
    """

    trials: int
    studies: int = 3
    seeds: int = 3
    budget: str = "samples"
    sampler: str = "tpe"

    def request(self, study: str, number: int) -> Request:
        """The request of a study; a random search is not pruned, so that its trials are a sample of the space."""
        random = self.sampler == "random"
        return Request(
            study=study, study_seed=number, budget=self.budget, sampler=self.sampler, pruning=not random, seeds=1
        )


def spending(**given: Any) -> TuningBudget:
    """The budget of these options; raises `SuiteError` (2) without `trials`, and for two seeds of a single study."""
    if "trials" not in given:
        raise SuiteError("--tuned: how many trials may each study have?", "Give --trials, such as --trials 20.")
    return TuningBudget(**given)


def compare_tuned(
    session: Session, words: Sequence[Named], spend: TuningBudget, changes: Mapping[str, Any] | None = None
) -> TunedCompared:
    """Tune every experiment, train the winners and the published recipes under common fresh seeds, and compare.

    An interrupted call is continued: each study up to its trials in total, and no run is trained twice. The test images
    are used once, when all studies have ended. Raises `SuiteError`.
    """
    experiments = session.chosen(words, changes)
    _require_comparable(experiments)
    rules = {one.identity: [_rules(one, spend, k) for k in range(spend.studies)] for one in experiments}
    spaces = {called(one): rules[one.identity][0].space for one in experiments}
    for line in space_words(spaces):
        session.screen.say(line)
    session.prepare(experiments)
    facts = {one.identity: [_searched(session, each, spend) for each in rules[one.identity]] for one in experiments}
    tunings = [_tuning(one, rules[one.identity], facts[one.identity]) for one in experiments]
    _train(session, tunings, spend)
    return TunedCompared(tunings, _sides(session, tunings, spend), spend.seeds, spend.sampler)


def space_words(spaces: Mapping[str, Space]) -> list[str]:
    """What is searched on each side, and whether a space holds another, or has many times as many points.

    Which space is searched can decide alone which side wins (D. Choi and others, On empirical comparisons of optimizers
    for deep learning, 2019).
    """
    lines = [
        f"{name} searches {' '.join(f'{field}={one.words}' for field, one in space.items())}."
        for name, space in spaces.items()
    ]
    for (one, mine), (other, theirs) in permutations(spaces.items(), 2):
        larger = _points(mine) / _points(theirs)
        if mine != theirs and theirs.keys() <= mine.keys() and all(_holds(mine[name], theirs[name]) for name in theirs):
            lines.append(f"The space of {one} holds that of {other}.")
        elif larger >= DWARFS:
            lines.append(f"The space of {one} has {larger:.0f} times as many points as that of {other}, on a grid.")
    return lines


def seeds_of_study(spend: TuningBudget, number: int) -> range:
    """The seeds of the test runs of a study's winner, on every side; no trial of any study has used them."""
    first = 1 + JUDGED + number * spend.seeds
    return range(first, first + spend.seeds)


def _require_comparable(experiments: Sequence[Experiment]) -> None:
    if len(experiments) < 2:
        raise SuiteError("compare takes two experiments or more.", "See python -m suite list.")
    first = experiments[0]
    for one in experiments:
        if one.recipe.data != first.recipe.data:
            raise SuiteError(
                f"{first.name} is trained on {first.recipe.data}, {one.name} on {one.recipe.data}.",
                "Compare experiments on the same data, or give --data.",
            )
    if len({one.identity for one in experiments}) < len(experiments):
        raise SuiteError("two of these experiments are the same recipe.", "Name two that differ.")


def _rules(experiment: Experiment, spend: TuningBudget, number: int) -> Rules:
    """The rules of a side's study. Its name depends on them, so a changed experiment begins another study."""
    facts = spend.request("any", number).rules(experiment).facts()
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    return spend.request(f"{experiment.name[:24]}_{digest}_{number}", number).rules(experiment)


def _searched(session: Session, rules: Rules, spend: TuningBudget) -> Record:
    """Continue a study up to its number of trials; its document."""
    from suite.tracking.publisher import Publisher
    from suite.tuning import work

    order = order_of(session, rules.experiment, spend.trials, JUDGED, time.monotonic(), None)
    with (
        work.claimed(session.home, rules.study),
        Publisher(session.home, session.screen.warn, session.store) as publisher,
    ):
        facts, _, _ = work.work_on(rules, order, session.screen.study, publisher.show)
    return facts


def _tuning(experiment: Experiment, rules: Sequence[Rules], facts: Sequence[Record]) -> Tuning:
    return Tuning(called(experiment), experiment, rules[0].space, facts, _winners(rules, facts))


def _winners(rules: Sequence[Rules], facts: Sequence[Record]) -> list[Experiment]:
    """The best trial of each study, by the search's own ranking, as an experiment."""
    from suite.tuning.work import best_trial

    for one, study in zip(rules, facts, strict=True):
        if not study["outcome"]:
            raise SuiteError(f"study {one.study}: no trial has an accuracy.", "Give more --trials.", code=FAILED)
    return [best_trial(study["outcome"], one) for one, study in zip(rules, facts, strict=True)]


def _train(session: Session, tunings: Sequence[Tuning], spend: TuningBudget) -> None:
    """Train winners and published recipes; raises `SuiteError` for the first run without an accuracy."""
    planned: dict[Path, Planned] = {}
    for one in tunings:
        for number, best in enumerate(one.winners):
            for item in plan([best, one.experiment], seeds_of_study(spend, number), session.home.runs):
                planned.setdefault(item.run.folder, item)
    train_planned(session, [*planned.values()])


def _sides(session: Session, tunings: Sequence[Tuning], spend: TuningBudget) -> "list[Any]":
    """What every side has right, read from MLflow's record."""
    import numpy as np

    from suite.analysis.tuned import Side
    from suite.reporting.families import answers_of

    experiments = {one.identity: one for side in tunings for one in (*side.winners, side.experiment)}
    groups = groups_of(session, {f"{one.name} ({key[:12]})": key for key, one in experiments.items()})
    known = {group.identity: answers for group in groups if (answers := answers_of(group))}
    seeds = [seeds_of_study(spend, number) for number in range(spend.studies)]

    def right(each: Sequence[Experiment]) -> Any:
        return np.stack([known[one.identity].under(some).right for one, some in zip(each, seeds, strict=True)])

    return [Side(one.title, right(one.winners), right([one.experiment] * spend.studies)) for one in tunings]


def _points(space: Space) -> int:
    """The points of a space on a grid: the choices, half decades of a logarithmic range, tenths of another."""
    count = 1
    for one in space.values():
        count *= len(one.grid())
    return count


def _holds(mine: Any, theirs: Any) -> bool:
    return all(mine.holds(value) for value in theirs.extremes)
