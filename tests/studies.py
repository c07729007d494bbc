"""A study's document made by hand: known trials, known figures."""

from typing import Any

PUBLISHED = {"batch_size": 64, "lr": 0.001}
STATES = ("COMPLETE", "PRUNED", "PRUNED", "FAIL", "COMPLETE", "PRUNED", "PRUNED", "COMPLETE")


def trial(number: int, state: str) -> dict[str, Any]:
    """A trial whose accuracy grows with its number."""
    accuracies = {"COMPLETE": 3, "PRUNED": 1, "FAIL": 0}[state] * [0.7 + number / 100]
    return {
        "number": number,
        "values": {"batch_size": 2 ** (5 + number % 3), "lr": round(0.001 * 1.5**number, 6)} if number else PUBLISHED,
        "state": state,
        "results": accuracies[:1] if state == "COMPLETE" else [],
        "reports": {"0": 0.5 + number / 100} if accuracies else {},
        "accuracies": accuracies,
        "seconds": 10.0 + number,
        "images_per_second": 5_000.0,
        "epochs": 3,
        "reason": "seed 0: diverged in epoch 1: the loss is no finite number" if state == "FAIL" else "",
        "at": 1_700_000_000_000 + number,
    }


def row(number: int, fresh: list[float], search: float | None, *, published: bool = False) -> dict[str, Any]:
    """A finalist."""
    mean = sum(fresh) / len(fresh)
    return {
        "trial": number,
        "values": PUBLISHED if published else trial(number, "COMPLETE")["values"],
        "published": published,
        "search": search,
        "fresh": fresh,
        "diverged": 0,
        "mean": mean,
        "interval": [mean - 0.01, mean + 0.01],
        "drop": None if search is None else search - mean,
        "epochs": 3,
        "seconds": 12.5,
    }


def document(**changes: Any) -> dict[str, Any]:
    """A study that has come to its end; keywords replace parts of it."""
    facts: dict[str, Any] = {
        "study": "lenet",
        "experiment": "lenet",
        "rules": {
            "experiment": "lenet", "recipe": {"epochs": 3}, "network": "0" * 64,
            "space": {"batch_size": "32,64,128", "lr": "1e-4..1e-1"}, "published": PUBLISHED, "budget": "samples",
            "seeds": 3, "generation": 8, "sampler": "tpe", "study_seed": 0, "objective": "accuracy", "pruning": True,
        },
        "overrides": {"data": "digits"},
        "amount": 3,
        "trials": [trial(number, state) for number, state in enumerate(STATES)],
        "importances": {"lr": 0.9, "batch_size": 0.1},
        "outcome": {
            "of": 8,
            "seeds": [3, 4, 5],
            "rows": [row(7, [0.75, 0.76, 0.74], 0.77), row(0, [0.70, 0.71, 0.69], None, published=True)],
            "verdict": {"word": "better", "difference": 0.05, "interval": [0.04, 0.06]},
        },
        "test": {"winner": "batch_size=64 lr=0.01709", "mean": 0.74, "interval": [0.73, 0.75], "n": 3, "looks": 1},
        "cost": {"train": 90.0, "validate": 5.0, "wall": 50.0, "capacity": 100.0},
        "environment": {"cpu": "A processor", "cores": 2},
    }  # fmt: skip
    return {**facts, **changes}
