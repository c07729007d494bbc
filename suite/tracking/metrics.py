"""The numbers that are sent to MLflow: curves by epoch and step, and the figures of a seed group."""

from typing import TYPE_CHECKING

from suite.analysis.intervals import group
from suite.disk.documents import Epoch

if TYPE_CHECKING:
    from mlflow.entities import Metric


def curves(record: Epoch) -> list["Metric"]:
    """The metrics of one epoch: losses and accuracies at the epoch's number, probes at their steps."""
    from mlflow.entities import Metric

    at = int(record["clock"]["at"] * 1000)
    values = {
        "train/loss": record["train_loss"],
        "train/accuracy": record["train_accuracy"],
        "val/loss": record["val_loss"],
        "val/accuracy": record["val_accuracy"],
        "epoch/test_accuracy": record.get("test_accuracy"),  # `test/accuracy` is the name of the final figure
    }
    curves = [Metric(key, value, at, record["epoch"]) for key, value in values.items() if value is not None]
    for probe in record["probes"]:
        curves.append(Metric("probe/test_accuracy", probe["test_accuracy"], at, probe["step"]))
        curves.append(Metric("probe/batch_loss", probe["batch_loss"], at, probe["step"]))
    return curves


def over_seeds(seeds: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each final figure, its standard deviation if there are two seeds or more, and the number of seeds."""
    figures: dict[str, float] = {"seeds/n": len(seeds)}
    for name in sorted(set.intersection(*(set(metrics) for metrics in seeds))):
        if name.startswith(("test/", "perf/")):
            values = group([metrics[name] for metrics in seeds])
            figures[name] = values.mean
            if values.sd is not None:
                figures[f"{name}_sd"] = values.sd
    return figures
