"""Tables and pictures as HTML for a notebook, with every text escaped."""

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from suite.masking import masked

STYLE = "text-align: {}; padding: 0.15em 0.8em; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums"


class Shown(NamedTuple):
    """A table for a person. A column whose name ends in `>` is aligned right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def of(tables: Iterable[Shown], *, words: Iterable[str] = (), pictures: Iterable[tuple[str, bytes]] = ()) -> str:
    """Tables, then sentences, then pictures (what it is, PNG)."""
    parts = [*map(_table, tables), *(f"<p>{escaped(one)}</p>" for one in words), *(_picture(*one) for one in pictures)]
    return f"<div>{''.join(parts)}</div>"


def escaped(text: object) -> str:
    """The text with what HTML would read as markup written out, and secrets masked."""
    from markupsafe import escape

    return str(escape(masked(str(text))))


def _table(table: Shown) -> str:
    styles = [STYLE.format("right" if name.endswith(">") else "left") for name in table.columns]
    head = _row("th", [name.removesuffix(">") for name in table.columns], styles)
    body = "".join(_row("td", row, styles) for row in table.rows)
    caption = f'<caption style="text-align: left; caption-side: top"><b>{escaped(table.title)}</b></caption>'
    inside = f"{caption}<thead>{head}</thead><tbody>{body}</tbody>"
    return f'<table style="border-collapse: collapse; margin: 0.5em 0">{inside}</table>'


def _row(kind: str, cells: Sequence[str], styles: Sequence[str]) -> str:
    # A row may be longer than the head, as that of a failed run: its last cell has the reason.
    every = [*styles, *[STYLE.format("left")] * (len(cells) - len(styles))]
    marked = (f'<{kind} style="{style}">{escaped(cell)}</{kind}>' for cell, style in zip(cells, every, strict=False))
    return f"<tr>{''.join(marked)}</tr>"


def _picture(what: str, png: bytes) -> str:
    data, words = base64.b64encode(png).decode(), escaped(what)
    return f'<p>{words}<br><img style="max-width: 100%" alt="{words}" src="data:image/png;base64,{data}"></p>'
