"""report.md and report.html: the same chapters for a text reader and for a browser."""

import base64
from collections.abc import Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from suite import files
from suite.analysis.intervals import FEWEST
from suite.report.figures import Picture
from suite.report.groups import Group
from suite.report.studies import StudyChapter
from suite.report.tables import Table
from suite.words import printable

OF_ALL = ("accuracy", "published_history", "throughput", "runs")
OF_ONE = ("confused_pairs", "classes")


def write_page(
    groups: Sequence[Group],
    tables: Mapping[str, Table],
    pictures: Mapping[str, list[Picture]],
    reports: Path,
    lost: Sequence[tuple[str, tuple[int, ...]]] = (),
    studies: Sequence[StudyChapter] = (),
    first: Sequence[str] = (),
) -> Path:
    """Write both; returns the path of the page, one file that needs no other and no network.

    `lost` names recipes that diverged under every seed, and the seeds. `first` are its first lines.
    """
    from jinja2 import Environment

    chapters = [_chapter(one, tables, pictures[one.slug]) for one in groups]
    facts: dict[str, Any] = {
        "chapters": chapters,
        "tables": [(name, tables[name]) for name in OF_ALL if name in tables],
        "pictures": pictures[""],
        "studies": studies,
        "first": first,
        "reports": reports,
        "diverged": [(one.title, one.diverged) for one in groups if one.diverged] + list(lost),
        "few": [one.title for one in groups if len(one.runs) < FEWEST],
    }
    html = Environment(autoescape=True, finalize=_printable, trim_blocks=True, lstrip_blocks=True)
    text = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)  # Markdown: its own escapes
    html.filters["embedded"] = _embedded
    text.filters.update(literal=_literal, markdown=_markdown)
    templates = resources("suite.report")
    for environment, name in ((html, "report.html"), (text, "report.md")):
        template = environment.from_string(templates.joinpath(f"{name}.j2").read_text(encoding="utf-8"))
        files.write(reports / name, template.render(facts).encode())
    return reports / "report.html"


def _chapter(one: Group, tables: Mapping[str, Table], pictures: Sequence[Picture]) -> dict[str, Any]:
    own = [(name, _only(tables[name], one.identity)) for name in OF_ONE if name in tables]
    return {"group": one, "pictures": pictures, "tables": own, "protocol": _protocol(one), "layers": one.layers}


def _only(table: Table, identity: str) -> Table:
    rows = [row for row in table.rows if row["identity"] == identity]
    return Table(table.title, rows, {name: how for name, how in table.formats.items() if name != "experiment"})


def _protocol(one: Group) -> list[tuple[str, str]]:
    names = [name.removeprefix("param.") for name in one.runs[0] if name.startswith("param.")]
    return [(name, one.parameter(name)) for name in names if name not in ("experiment", "seed", "log10_lr")]


def _embedded(path: Path) -> str:
    kind = {".svg": "svg+xml", ".png": "png"}[path.suffix]
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _printable(value: Any) -> Any:
    return printable(value) if type(value) is str else value  # Markup is a template's own


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", **{mark: f"\\{mark}" for mark in "\\|*`_[]"}})


def _literal(text: object) -> str:
    """Text that Markdown and the HTML in it leave alone."""
    one_line = str(_printable(" ".join(str(text).split())))
    return one_line.translate(_ESCAPES)


def _markdown(table: Table) -> str:
    import pandas as pd

    cells = [[_literal(cell) for cell in row] for row in table.cells()]
    align = ["right" if numeric else "left" for numeric in table.numeric()]
    frame = pd.DataFrame(cells, columns=[_literal(name) for name in table.columns()])
    return str(frame.to_markdown(index=False, colalign=align, disable_numparse=True))
