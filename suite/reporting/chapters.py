"""The class `Chapter`, of which the whole page is made, and the chapters of the experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.analysis.times import percentile_of
from suite.data.frozen import is_own
from suite.reporting.class_tables import MOST_CLASSES
from suite.reporting.figures import Picture
from suite.reporting.gaps import Gap, diverged_words, left_out
from suite.reporting.table import Table
from suite.text import plural
from suite.tracking.groups import Group

OF_ONE = ("confused_pairs", "classes")


@dataclass(frozen=True)
class Chapter:
    """The contents under one heading, in this order. All texts are plain text; the templates escape them.

    `slug` is the anchor for links. Its prefix depends on the kind of chapter (`of-lenet`, `study-lr`), so slugs of
    different kinds are never equal. A table comes with the name of the CSV that has all of its columns, or with `""`.
    """

    slug: str
    title: str
    sentences: Sequence[str] = ()
    rules: str = ""
    """How it was made, in a small font."""
    warnings: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[tuple[str, Table]] = ()
    chapters: Sequence["Chapter"] = ()


def experiment_chapters(
    groups: Sequence[Group],
    tables: Mapping[str, Table],
    pictures: Mapping[str, list[Picture]],
    gaps: Sequence[Gap] = (),
    every: Sequence[Group] = (),
) -> list[Chapter]:
    """A chapter for each group: its source, recipe, pictures, layers, and its rows of `tables`.

    `every` are all groups of the report, of which these may be a part.
    """
    return [_chapter(one, tables, pictures[one.slug], left_out(gaps, every or groups, [one])) for one in groups]


def _chapter(one: Group, tables: Mapping[str, Table], pictures: Sequence[Picture], without: str) -> Chapter:
    own = [("", replace(_only(tables[name], one.identity), left_out=without)) for name in OF_ONE if name in tables]
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
    """A sentence: the published figure's percentile among our seeds, by the source's protocol; may be `""`."""
    published = one.source.get("accuracy") if one.as_published else None
    if not published:
        return ""
    ours = [run["test/source_accuracy"] for run in one.runs]
    words = one.source["accuracy_words"] or f"{published:.4f}"
    place = percentile_of(published, ours)
    return f"The published {words} lies at percentile {place:.0f} of our {plural(len(ours), 'seed')}."


def _only(table: Table, identity: str) -> Table:
    """The rows of one recipe. Of many classes, those with the lowest F1: the page would be too long for all."""
    rows = [row for row in table.rows if row["identity"] == identity]
    shown, note = rows, ""
    if "F1" in table.formats and len(rows) > MOST_CLASSES:
        shown = sorted(rows, key=lambda row: row["F1"])[:MOST_CLASSES]
        note = f"The {MOST_CLASSES} classes with the lowest F1 of {len(rows):,}; classes.csv has all."
    formats = {name: how for name, how in table.formats.items() if name != "experiment"}
    return Table(table.title, shown, formats, note)


def _protocol(one: Group) -> list[tuple[str, str]]:
    names = [name.removeprefix("param.") for name in one.runs[0] if name.startswith("param.")]
    named = [name for name in names if isinstance(one.runs[0][f"param.{name}"], str)]  # NaN: another recipe's field
    shown = {name: one.parameter(name) for name in named if name not in ("experiment", "seed", "log10_lr")}
    return [*(shown | ({"data": one.data_title} if is_own(shown.get("data")) else {})).items()]


def _layers(one: Group) -> Table:
    rows = [
        {"layer": layer["kind"], "output shape": layer["shape"] or None, "parameters": layer["parameters"],
         "MACs per image": layer["macs"]}
        for layer in one.layers
    ]  # fmt: skip
    return Table("Layers", rows, {"layer": "", "output shape": "", "parameters": ",d", "MACs per image": ",d"})
