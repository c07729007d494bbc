"""Experiments and runs as rows of tables."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from suite.analysis.intervals import group
from suite.data.catalog import data_set
from suite.data.frozen import is_own
from suite.recipe.experiment import Experiment
from suite.runs.plan import Planned


def summary_row(item: Planned) -> Sequence[str]:
    """One run as a row of the table at the end of `run`."""
    status = f"{item.status}, before" if item.skipped else item.status
    if not item.result or item.status != "finished":
        return (item.run.name, status, "", "", "", "", item.reason)
    metrics, clock, source = item.result["metrics"], item.result["clock"], item.experiment.recipe.source
    published = _published(item.experiment) if source and not item.experiment.overrides else ""
    return (
        item.run.name,
        status,
        f"{metrics['test/accuracy']:.4f}",
        f"{metrics['test/source_accuracy']:.4f}",
        published,
        f"{clock['perf/train_images_per_second']:,.0f}",
        item.result["weights_sha256"][:12],
    )


def group_rows(planned: Sequence[Planned]) -> list[Sequence[str]]:
    """Each experiment's finished runs as one row: mean, interval over seeds, and difference from the published figure.

    The published figure is compared by the source's own protocol.
    """
    rows: list[Sequence[str]] = []
    for experiment in dict.fromkeys(item.experiment.title for item in planned):
        runs = [item for item in planned if item.experiment.title == experiment and item.status == "finished"]
        results = [item.result["metrics"] for item in runs if item.result]
        if not results:
            continue
        found = group([metrics["test/accuracy"] for metrics in results])
        ours = fmean(metrics["test/source_accuracy"] for metrics in results)
        source, changed = runs[0].experiment.recipe.source, runs[0].experiment.overrides
        published = source.accuracy if source and not changed else None
        interval = f"{found.interval.low:.4f} to {found.interval.high:.4f}" if found.interval else "–"
        shown = ("–", "–") if published is None else (_published(runs[0].experiment), f"{ours - published:+.4f}")
        rows.append((experiment, str(len(results)), f"{found.mean:.4f}", interval, *shown))
    return rows


def listed(experiment: Experiment) -> dict[str, Any]:
    """One experiment as JSON values, for `list`."""
    return {
        "experiment": experiment.name,
        "identity": experiment.identity,
        "path": str(experiment.path),
        **experiment.facts(),
    }


def list_row(experiment: Experiment) -> Sequence[str]:
    """One experiment as a row of the table of `list`."""
    recipe = experiment.recipe
    return (
        experiment.name,
        data_set(recipe.data).title if is_own(recipe.data) else recipe.data,
        f"{recipe.source.parameters:,}" if recipe.source else "",
        f"{recipe.epochs}",
        f"{recipe.batch_size}",
        f"{recipe.epochs * recipe.training_images():,}",
        _published(experiment),
        recipe.source.title if recipe.source else "",
    )


def _published(experiment: Experiment) -> str:
    source = experiment.recipe.source
    if source is None or source.accuracy is None:
        return ""
    return source.accuracy_words or f"{source.accuracy:.4f}"
