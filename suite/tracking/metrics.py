"""The numbers that MLflow is told: curves by epoch and step, and the figures of a seed group."""

from typing import TYPE_CHECKING

from suite.analysis.intervals import group
from suite.disk.documents import Record

if TYPE_CHECKING:
    from mlflow.entities import Metric


def curves(record: Record) -> list["Metric"]:
    """One epoch's points: losses and accuracies at its number, probes at their steps."""
    from mlflow.entities import Metric

    at = int(record["clock"]["at"] * 1000)
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    values = {name.replace("_", "/"): record[name] for name in names if record[name] is not None}
    if record.get("test_accuracy") is not None:  # the name `test/accuracy` is the final figure's
        values["epoch/test_accuracy"] = record["test_accuracy"]
    curves = [Metric(key, value, at, record["epoch"]) for key, value in values.items()]
    for probe in record["probes"]:
        curves += [Metric(f"probe/{key}", probe[key], at, probe["step"]) for key in ("test_accuracy", "batch_loss")]
    return curves


def over_seeds(seeds: list[dict[str, float]]) -> dict[str, float]:
    """Each final figure as mean, and as standard deviation where there are two seeds for one; and n."""
    figures: dict[str, float] = {"seeds/n": len(seeds)}
    for name in sorted(set.intersection(*(set(metrics) for metrics in seeds))):
        if name.startswith(("test/", "perf/")):
            values = group([metrics[name] for metrics in seeds])
            figures[name] = values.mean
            if values.sd is not None:
                figures[f"{name}_sd"] = values.sd
    return figures
