"""What the search's winner is worth: the best configurations again, under seeds that chose nothing.

The highest of many noisy values is too high, the more so the more there were: the winner's curse. So the search value
is shown beside the mean over fresh seeds, which nothing was selected by, and the drop between them.
"""

from collections.abc import Sequence
from typing import Any

from suite.analysis.intervals import FEWEST, group
from suite.tune.halving import mean_accuracy
from suite.tune.rules import Evaluate, Outcome, Rules, Task
from suite.tune.study import Study

Candidate = tuple[dict[str, Any], int | None, float | None]  # values, trial's number, its value in the search

FINALISTS = 3


def fresh_seeds(rules: Rules, count: int) -> list[int]:
    """Seeds that no trial of the study was trained under."""
    return list(range(rules.seeds, rules.seeds + count))


def judge(study: Study, rules: Rules, evaluate: Evaluate, *, count: int) -> dict[str, Any] | None:
    """Train the best configurations and the recipe as it is under fresh seeds, and compare; None without a trial.

    The winner is the one that the search ranks first, whatever the fresh seeds say of the others: chosen by them, its
    interval would be too high as well. Whether it beats the published setting is a paired t interval over the seeds.
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
    found = group(accuracies) if len(accuracies) == len(outcomes) else None  # a mean without the lost would be too high
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
    """`published`, `better`, `worse`, or `no difference shown`, with the paired difference where there is one."""
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
