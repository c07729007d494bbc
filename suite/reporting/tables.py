"""The report's tables: their rows, and the format of each column."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from suite.analysis.comparison import Comparison
from suite.analysis.intervals import FEWEST, SeedGroup, wilson
from suite.analysis.ranking import beside_best
from suite.disk import files
from suite.reporting.choice import baseline_of, unchanged
from suite.reporting.class_tables import classes, confusion, pairs
from suite.reporting.table import Row, Table
from suite.text import listed_seeds
from suite.tracking.groups import Group

AVERAGES = {
    "balanced": "test/balanced_accuracy", "macro F1": "test/macro_f1", "top-5": "test/top5_accuracy",
}  # fmt: skip

BESIDE = "beside the best"


def all_tables(groups: Sequence[Group], baseline: str = "") -> dict[str, Table]:
    """Every table of the report by file name. With a `baseline`, accuracies also have their difference from it."""
    tables = {
        "accuracy": accuracy(groups, baseline),
        "published_history": published_history(groups),
        "confused_pairs": pairs(groups),
        "classes": classes(groups),
        "confusion": confusion(groups),
        "throughput": throughput(groups),
        "runs": runs(groups),
    }
    return {name: table for name, table in tables.items() if table.rows}


def write_csv(tables: Mapping[str, Table], folder: Path) -> None:
    """Write a CSV for each table, with full precision."""
    for name, table in tables.items():
        text = io.StringIO()
        table.frame().to_csv(text, index=False, lineterminator="\n")
        files.write(folder / f"{name}.csv", text.getvalue().encode())


def accuracy(groups: Sequence[Group], baseline: str = "") -> Table:
    """Our accuracy with n and intervals, by the source's protocol too, the published one, and the differences."""
    formats: dict[str, str] = {
        "experiment": "", "n": "d", "seeds": "", "test accuracy": ".4f", "95 % over seeds": "",
        "published": "", "difference": "+.4f", "source's figure": ".4f", "source's images": ",d",
        "95 % over images": "", "worst": ".4f", "best": ".4f", "diverged": "d",
    }  # fmt: skip
    rows = [_accuracy_row(one) for one in groups]
    formats |= {name: ".4f" for name in AVERAGES if any(row.get(name) is not None for row in rows)}
    if baseline:
        formats[f"against {baseline}"] = ""
        for one, row in zip(groups, rows, strict=True):
            row |= _against(one, baseline_of(groups, baseline, one.parameter("data")), f"against {baseline}")
    return Table("Accuracy", rows, formats)


def with_ties(table: Table, groups: Sequence[Group], found: Sequence[Comparison]) -> Table:
    """The accuracies with a mark: which experiment of a data set is the best, and which cannot be told from it.

    Only experiments of which nothing else was changed are compared with each other, so variants have no mark.
    """
    marks: dict[str, str] = {}
    for data in {one.parameter("data") for one in groups}:
        names = {one.title for one in groups if one.parameter("data") == data and unchanged(one)}
        marks |= beside_best([one for one in found if {one.one, one.other} <= names])
    if not marks:
        return table
    rows = [{**row, BESIDE: marks.get(row["experiment"])} for row in table.rows]
    formats = [*table.formats.items()]
    place = 1 + [name for name, _ in formats].index("95 % over seeds")
    return replace(table, rows=rows, formats=dict([*formats[:place], (BESIDE, ""), *formats[place:]]))


def _against(one: Group, other: Group | None, column: str) -> Row:
    """The difference of the means over the common seeds, with its t interval, paired by seed."""
    empty = {column: None, "against_n": None, "against_mean": None, "against_low": None, "against_high": None}
    if other is None or one is other:
        return {**empty, column: "the baseline" if other else None}
    ours, theirs = ({run["seed"]: run["test/accuracy"] for run in group.runs} for group in (one, other))
    common = sorted(ours.keys() & theirs.keys())
    paired = SeedGroup(tuple(ours[seed] - theirs[seed] for seed in common))
    if (found := paired.interval) is None:
        return {**empty, column: f"needs {FEWEST} common seeds", "against_n": len(common)}
    words = f"{paired.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
    return {column: words, "against_n": paired.n, "against_mean": paired.mean, "against_low": found.low,
            "against_high": found.high}  # fmt: skip


def _accuracy_row(one: Group) -> Row:
    ours, source = one.metric("test/accuracy"), one.metric("test/source_accuracy")
    images, seeds = int(one.runs[0]["test/images"]), ours.interval
    sampling = wilson(round(ours.mean * images), images)
    published = one.source.get("accuracy") if one.as_published else None
    return {
        "experiment": one.title,
        "n": ours.n,
        "seeds": listed_seeds(one.seeds),
        "test accuracy": ours.mean,
        "95 % over seeds": f"{seeds.low:.4f} to {seeds.high:.4f}" if seeds else "needs 3 seeds",
        "worst": ours.worst,
        "best": ours.best,
        "95 % over images": f"{sampling.low:.4f} to {sampling.high:.4f}",
        "source's images": int(one.runs[0]["test/source_images"]),
        "source's figure": source.mean,
        "published": (one.source["accuracy_words"] or f"{published:.4f}") if published else None,
        "difference": source.mean - published if published else None,
        "published_value": published,
        "diverged": len(one.diverged),
        "identity": one.identity,
        "data": one.parameter("data"),
        "test images": images,
        "sd over seeds": ours.sd,
        "seeds_low": seeds.low if seeds else None,
        "seeds_high": seeds.high if seeds else None,
        "images_low": sampling.low,
        "images_high": sampling.high,
        **{name: one.metric(key).mean for name, key in AVERAGES.items() if _has(one, key)},
    }


def _has(one: Group, metric: str) -> bool:
    """Whether all runs have a metric; those of the first data sets, and of few classes, lack some."""
    return all(isinstance(run.get(metric), float) and run[metric] == run[metric] for run in one.runs)


def published_history(groups: Sequence[Group]) -> Table:
    """For each epoch our mean over seeds, and the value that the source printed."""
    names = {"train_loss": "train loss", "train_accuracy": "train accuracy",
             "val_loss": "validation loss", "val_accuracy": "validation accuracy"}  # fmt: skip
    rows = []
    for one in groups:
        for epoch, printed in one.published_history.items():
            if epoch >= min(map(len, one.histories)):
                continue
            row: Row = {"experiment": one.title, "epoch": epoch, "n": len(one.histories)}
            for (key, name), theirs in zip(names.items(), printed, strict=True):
                ours = [history[epoch][key] for history in one.histories]
                row[name] = None if None in ours else sum(ours) / len(ours)
                row[f"{name}, published"] = theirs
            rows.append(row)
    shown = {column: ".4f" for name in names.values() for column in (name, f"{name}, published")}
    return Table("The published history, epoch by epoch", rows, {"experiment": "", "epoch": "d", "n": "d", **shown})


def throughput(groups: Sequence[Group]) -> Table:
    """The speeds of the runs, which were trained several at a time, with their machine."""
    return Table("Throughput", [_throughput_row(one) for one in groups], {
        "experiment": "", "n": "d", "training images/s": "", "inference images/s": "", "s per epoch": "",
        "parameters": ",d", "MACs": ",d", "peak MiB": ",.0f", "machine": "",
    })  # fmt: skip


def _throughput_row(one: Group) -> Row:
    names = ("train_images_per_second", "inference_images_per_second", "seconds_per_epoch", "peak_memory_mib")
    figures = {name: one.metric(f"perf/{name}") for name in names}
    return {
        "experiment": one.title,
        "n": len(one.runs),
        "training images/s": _with_range(figures["train_images_per_second"], ",.0f"),
        "inference images/s": _with_range(figures["inference_images_per_second"], ",.0f"),
        "s per epoch": _with_range(figures["seconds_per_epoch"], ".2f"),
        "parameters": int(one.runs[0]["network/parameters"]),
        "MACs": None if any(layer["macs"] is None for layer in one.layers) else int(one.runs[0]["network/macs"]),
        "peak MiB": figures["peak_memory_mib"].best,
        "machine": f"{one.environment('cpu')}, {one.environment('cores')} cores, one thread, "
                   f"torch {one.environment('torch')}",
        "identity": one.identity,
        **{f"{name}_mean": values.mean for name, values in figures.items()},
        **{f"{name}_sd": values.sd for name, values in figures.items()},
    }  # fmt: skip


def runs(groups: Sequence[Group]) -> Table:
    """A row for each run in the report."""
    rows = [
        {"run": f"{one.experiment}-s{run['seed']}", "changes": one.changes or "none",
         "test accuracy": run["test/accuracy"], "epoch kept": _kept(one, run),
         "s training": run["perf/train_seconds"], "weights": run["weights_sha256"][:12],
         "commit": run["commit"][:10] or None, "MLflow run": run["run_id"],
         "identity": one.identity, "weights_sha256": run["weights_sha256"]}
        for one in groups for run in one.runs
    ]  # fmt: skip
    return Table("Runs", rows, {
        "run": "", "changes": "", "test accuracy": ".4f", "epoch kept": "d", "s training": ",.1f", "weights": "",
        "commit": "", "MLflow run": "",
    })  # fmt: skip


def _kept(one: Group, run: Row) -> int:
    """The epoch, counted from 0, whose weights are the result."""
    return int(run["val/best_epoch"]) if one.parameter("keep") == "best" else int(one.parameter("epochs")) - 1


def _with_range(values: SeedGroup, how: str) -> str:
    mean = f"{values.mean:{how}}"
    return mean if values.n == 1 else f"{mean} ({values.worst:{how}} to {values.best:{how}})"
