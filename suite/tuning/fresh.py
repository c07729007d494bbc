"""An unbiased evaluation of a search's winner: the best configurations are trained again under fresh seeds.

The highest of many noisy values is usually too high, and more so the more values there are: the winner's curse. So the
report shows the value in the search, the mean over fresh seeds, which selected nothing, and the drop between the two.
"""

from collections.abc import Sequence
from typing import Any

from suite.analysis.intervals import FEWEST, group
from suite.tuning.halving import mean_accuracy
from suite.tuning.rules import Evaluate, Outcome, Rules, Task
from suite.tuning.study import Study

Candidate = tuple[dict[str, Any], int | None, float | None]  # values, trial's number, its value in the search

FINALISTS = 3


def fresh_seeds(rules: Rules, count: int) -> list[int]:
    """The first `count` seeds that no trial of the study has used."""
    return list(range(rules.seeds, rules.seeds + count))


def judge(study: Study, rules: Rules, evaluate: Evaluate, *, count: int) -> dict[str, Any] | None:
    """Train the best configurations and the unchanged recipe under `count` fresh seeds, and compare them.

    The winner is the trial that the search ranks first. If the fresh seeds selected it, its interval would be too high
    again. It is compared with the published setting by a paired t interval over the seeds. Returns None if no trial
    is complete.
    """
    best = study.best(FINALISTS)
    if not best:
        return None
    seeds = fresh_seeds(rules, count)
    candidates: list[Candidate] = [(one.values, one.number, mean_accuracy(one.facts)) for one in best]
    if rules.published() not in [values for values, _, _ in candidates]:
        known = next((one for one in study.trials() if one.values == rules.published()), None)
        candidates.append((rules.published(), known.number if known else None, None))
    outcomes = evaluate([Task(values, seed) for values, _, _ in candidates for seed in seeds])
    rows = [
        _row(values, number, searched, outcomes[n * count : (n + 1) * count], published=values == rules.published())
        for n, (values, number, searched) in enumerate(candidates)
    ]
    winner = rows[0]
    published = next(row for row in rows if row["published"])
    return {"seeds": seeds, "rows": rows, "verdict": _compare(winner, published)}


def _row(
    values: dict[str, Any], number: int | None, searched: float | None, outcomes: Sequence[Outcome], *, published: bool
) -> dict[str, Any]:
    accuracies = [one.accuracy for one in outcomes if not one.diverged]
    found = group(accuracies) if len(accuracies) == len(outcomes) else None  # without diverged seeds a mean is too high
    return {
        "trial": number,
        "values": values,
        "published": published,
        "search": searched,
        "fresh": accuracies,
        "diverged": sum(bool(one.diverged) for one in outcomes),
        "mean": found.mean if found else None,
        "interval": [found.interval.low, found.interval.high] if found and found.interval else None,
        "drop": searched - found.mean if found and searched is not None else None,
        "epochs": max(one.epochs for one in outcomes),
        "seconds": sum(one.seconds for one in outcomes) / len(outcomes),
    }


def _compare(winner: dict[str, Any], published: dict[str, Any]) -> dict[str, Any]:
    """The verdict `published`, `better`, `worse` or `no difference shown`, with the paired difference if any."""
    if winner["published"]:
        return {"word": "published"}
    if winner["diverged"] or published["diverged"]:
        lost, other = bool(winner["diverged"]), bool(published["diverged"])
        return {"word": "no difference shown" if lost and other else "worse" if lost else "better"}
    differences = group([one - other for one, other in zip(winner["fresh"], published["fresh"], strict=True)])
    interval = differences.interval
    if interval is None:
        raise ValueError(f"fewer than {FEWEST} fresh seeds")
    word = "better" if interval.low > 0 else "worse" if interval.high < 0 else "no difference shown"
    return {"word": word, "difference": differences.mean, "interval": [interval.low, interval.high]}
