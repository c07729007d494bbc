"""A chapter, the one shape of whatever the page says, and the chapters of the experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.analysis.times import percentile_of
from suite.reporting.figures import Picture
from suite.reporting.table import Table
from suite.text import plural
from suite.tracking.groups import Group

OF_ONE = ("confused_pairs", "classes")


@dataclass(frozen=True)
class Chapter:
    """What stands under one heading, in this order; every text is plain words, escaped where it is shown.

    `slug` is the place that links lead to, and begins with what the chapter is about (`of-lenet`, `study-lr`), so that
    no two kinds of chapters meet. A table comes with the name of the CSV that holds all of its columns, or with `""`.
    """

    slug: str
    title: str
    sentences: Sequence[str] = ()
    rules: str = ""
    """How it was made, in small print."""
    warnings: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[tuple[str, Table]] = ()
    chapters: Sequence["Chapter"] = ()


def experiment_chapters(
    groups: Sequence[Group], tables: Mapping[str, Table], pictures: Mapping[str, list[Picture]]
) -> list[Chapter]:
    """A chapter for each group: its source, its recipe, its pictures, its layers and its own rows of `tables`."""
    return [_chapter(one, tables, pictures[one.slug]) for one in groups]


def _chapter(one: Group, tables: Mapping[str, Table], pictures: Sequence[Picture]) -> Chapter:
    own = [("", _only(tables[name], one.identity)) for name in OF_ONE if name in tables]
    source = f"Source: {one.source['title']}. {one.source['remark']}".strip() if one.source else ""
    fields = ", ".join(f"{name} {value}" for name, value in _protocol(one))
    return Chapter(
        slug=f"of-{one.slug}",
        title=one.title,
        sentences=[line for line in (source, _place(one)) if line],
        rules=f"Recipe {one.identity[:12]}: {fields}.",
        warnings=[diverged_words(one.title, one.diverged)] if one.diverged else [],
        pictures=pictures,
        tables=[*own, ("", _layers(one))],
    )


def _place(one: Group) -> str:
    """Where the published figure stands among our seeds, by the source's own protocol; `""` where there is none."""
    published = one.source.get("accuracy") if one.as_published else None
    if not published:
        return ""
    ours = [run["test/source_accuracy"] for run in one.runs]
    words = one.source["accuracy_words"] or f"{published:.4f}"
    place = percentile_of(published, ours)
    return f"The published {words} lies at percentile {place:.0f} of our {plural(len(ours), 'seed')}."


def diverged_words(title: str, seeds: Sequence[int]) -> str:
    """What there is to say of seeds without an accuracy."""
    return f"{title} diverged under seed {', '.join(map(str, seeds))}: no accuracy, and no part of the mean."


def _only(table: Table, identity: str) -> Table:
    rows = [row for row in table.rows if row["identity"] == identity]
    return Table(table.title, rows, {name: how for name, how in table.formats.items() if name != "experiment"})


def _protocol(one: Group) -> list[tuple[str, str]]:
    names = [name.removeprefix("param.") for name in one.runs[0] if name.startswith("param.")]
    told = [name for name in names if isinstance(one.runs[0][f"param.{name}"], str)]  # another recipe's is NaN here
    return [(name, one.parameter(name)) for name in told if name not in ("experiment", "seed", "log10_lr")]


def _layers(one: Group) -> Table:
    rows = [
        {"layer": layer["kind"], "output shape": layer["shape"] or None, "parameters": layer["parameters"],
         "MACs per image": layer["macs"]}
        for layer in one.layers
    ]  # fmt: skip
    return Table("Layers", rows, {"layer": "", "output shape": "", "parameters": ",d", "MACs per image": ",d"})
