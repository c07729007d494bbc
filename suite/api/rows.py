"""Results as rows of tables, for the terminal and for a notebook."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.analysis.intervals import group, wilson
from suite.data.catalog import data_set
from suite.data.frozen import is_own
from suite.disk.documents import Record
from suite.html import Shown
from suite.recipe.experiment import Experiment
from suite.runs.plan import Planned

if TYPE_CHECKING:
    from suite.api.doctor import Finding
    from suite.benching.speed_gate import Gated as SpeedGated
    from suite.benching.throughput import Throughput
    from suite.runs.accuracy_gate import Gated
    from suite.runs.verify import Verdict


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


def runs_table(planned: Sequence[Planned]) -> Shown:
    """A row for each run."""
    columns = ("run", "status", "test accuracy>", "source's figure>", "published>", "images/s>", "weights")
    return Shown("Runs", columns, [summary_row(item) for item in planned])


def recipes_table(planned: Sequence[Planned]) -> Shown:
    """A row for each recipe with a finished run: mean test accuracy, its interval over seeds, and over test images."""
    groups: dict[str, list[Planned]] = {}
    for item in planned:
        if item.status == "finished" and item.result:
            groups.setdefault(item.run.identity, []).append(item)
    columns = ("experiment", "seeds>", "test accuracy>", "95 % over seeds", "95 % over test images")
    return Shown("Accuracy on all test images", columns, [_recipe_row(items) for items in groups.values()])


def _recipe_row(items: Sequence[Planned]) -> Sequence[str]:
    results = [item.result for item in items if item.result]
    seeds = group([one["metrics"]["test/accuracy"] for one in results])
    images = results[0]["metrics"]["test/images"]
    within = wilson(seeds.mean * images, images)
    over_seeds = f"{seeds.interval.low:.4f} to {seeds.interval.high:.4f}" if seeds.interval else "3 seeds or more"
    over_images = f"{within.low:.4f} to {within.high:.4f}"
    return (items[0].experiment.title, str(seeds.n), f"{seeds.mean:.4f}", over_seeds, over_images)


def experiments_table(found: Sequence[Experiment]) -> Shown:
    """A row for each experiment."""
    columns = ("experiment", "data", "parameters>", "epochs>", "batch>", "images>", "published", "source")
    return Shown("Experiments", columns, [list_row(one) for one in found])


def verdicts_table(found: "Sequence[Verdict]") -> Shown:
    """A row for each run that was trained again."""
    return Shown("Trained again", ("run", "status", "found"), [(one.name, one.status, one.line()) for one in found])


def gate_table(found: "Sequence[Gated]") -> Shown:
    """A row for each experiment that was judged by its accuracy."""
    columns = ("experiment", "reference>", "n>", "fresh>", "n>", "drop>", "verdict")
    return Shown("Gate", columns, [_gated(one) for one in found])


def _gated(one: "Gated") -> list[str]:
    reference, fresh = one.reference.accuracies, one.fresh
    means = [math.fsum(values) / len(values) for values in (reference, fresh)]
    figures = [f"{value:.4f}" if math.isfinite(value) else "–" for value in means]
    drop = f"{one.judged.drop:+.4f}" if math.isfinite(one.judged.drop) else "–"
    return [one.title, figures[0], str(len(reference)), figures[1], str(len(fresh)), drop, one.judged.verdict]


def speed_tables(found: "Sequence[Throughput]") -> list[Shown]:
    """The speed of each experiment, and how many times as fast as other loops it is."""
    columns = ("experiment", "images/s>", "ms/step>", "evaluated/s>", "one image ms, p50>", "p99>", "MiB>", "start s>")
    names = list(dict.fromkeys(name for one in found for name in one.speedups))
    heads = ("experiment", *(f"{name}>" for name in names), "itself>", "smallest effect>")
    return [
        Shown("One run, one core", columns, [_speeds(one) for one in found]),
        Shown("Times as fast as", heads, [_speedups(one, names) for one in found]),
    ]


def _speeds(one: "Throughput") -> list[str]:
    return [
        one.title, f"{one.images_per_second:,.0f}", f"{one.milliseconds_per_step:.2f}",
        f"{one.evaluated_per_second:,.0f}", f"{one.latency(50):.2f}", f"{one.latency(99):.2f}",
        f"{one.peak_mib:,.0f}", f"{one.start_seconds:.2f}",
    ]  # fmt: skip


def _speedups(one: "Throughput", names: Sequence[str]) -> list[str]:
    cells = [one.speedups[name].words if name in one.speedups else "–" for name in names]
    return [one.title, *cells, one.floor.words, f"{one.floor.smallest_effect:.3f}"]


def speed_gate_table(found: "Sequence[SpeedGated]", beside: str) -> Shown:
    """A row for each experiment whose step was compared with that of `beside`."""
    columns = ("experiment", f"times as long as {beside}>", "95 %>", "itself>", "smallest effect>", "verdict")
    return Shown("Speed", columns, [_judged(one) for one in found])


def _judged(one: "SpeedGated") -> list[str]:
    interval = f"{one.slower.low:.3f} to {one.slower.high:.3f}"
    floor = one.floor.words
    return [one.title, f"{one.value:.3f}", interval, floor, f"{one.floor.smallest_effect:.3f}", one.verdict]


def finalists_table(facts: Record) -> Shown:
    """The best settings of a study under fresh seeds."""
    rows = facts["outcome"]["rows"] if facts["outcome"] else []
    columns = ("trial>", "setting", "in the search>", "fresh seeds>", "95 %", "drop>")
    return Shown("Best settings, by validation accuracy", columns, [_finalist(row) for row in rows])


def _finalist(row: Record) -> list[str]:
    from suite.tuning.sentences import interval_words, setting_words

    figures = [f"{row[name]:.4f}" if row[name] is not None else "–" for name in ("search", "mean", "drop")]
    return [
        str(row["trial"]) if row["trial"] is not None else "–",
        setting_words(row),
        *figures[:2],
        interval_words(row["interval"]) or "–",
        figures[2],
    ]


def findings_table(found: "Sequence[Finding]") -> Shown:
    """A row for each line of the examination of a machine."""
    return Shown("Doctor", ("", "what", "found"), [one.row() for one in found])
