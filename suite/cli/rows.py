"""Experiments and runs as rows of tables."""

from collections.abc import Sequence
from typing import Any

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
