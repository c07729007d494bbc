"""Writes report.md and report.html: the same chapters as text and for a browser."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from suite.disk import files
from suite.reporting import measured
from suite.reporting.chapters import Chapter, experiment_chapters
from suite.reporting.figures import Picture
from suite.reporting.gaps import Gap, left_out
from suite.reporting.keys import Keys
from suite.reporting.shown import IMAGES, ROWS, rows_note, rows_of
from suite.reporting.summary import data_sets, incomplete, mixed, summary, unequal, ways
from suite.reporting.table import NOTHING_LEFT_OUT, Table
from suite.text import printable, some
from suite.tracking.groups import Group, data_titles

READING = (
    "Accuracy is that of all test images unless it says otherwise. Over seeds: Student's t interval of the mean, given "
    "from three seeds on. Over images: Wilson's interval, what another test set of the same size might have given. The "
    "source's figure is ours by the source's own protocol: its test images, its choice of weights. Beside the best: "
    "whether a difference from the experiment with the highest mean is shown, corrected for all pairs of the data set."
)
SPEED = "Speeds are those of runs that went side by side, one thread each; they hold for this machine and its load."
AGAIN = (
    "At the commit named, a command trains the same runs again; python -m suite verify RUN says of one run whether its "
    "weights come out the same to the bit, which is promised for the same recipe, seed, torch and kind of processor."
)
NOTHING = "There is no finished run yet: python -m suite run all trains every experiment."


def write_page(
    groups: Sequence[Group],
    tables: Mapping[str, Table],
    pictures: Mapping[str, list[Picture]],
    reports: Path,
    lost: Sequence[tuple[str, tuple[int, ...]]] = (),
    studies: Sequence[Chapter] = (),
    comparisons: Sequence[Chapter] = (),
    first: Sequence[str] = (),
    gaps: Sequence[Gap] = (),
    shown: Sequence[Group] | None = None,
) -> Path:
    """Write both files; returns the path of report.html, which needs no other file and no network.

    The page has the recipes `shown`, else all; `groups` are all of which it speaks.

    `lost` has the recipes that diverged with every seed, and these seeds. `first` has the first lines. `gaps` are the
    recipes that the tables lack, or lack seeds of.
    """
    overall = {picture.path.stem: picture for picture in pictures[""]}
    shown = groups if shown is None else shown
    without = left_out(gaps, groups, shown)
    parts = [
        _summary(groups, overall, lost, first),
        _accuracy(groups, shown, tables, gaps),
        Chapter("experiments", "Experiments", chapters=experiment_chapters(shown, tables, pictures, gaps, groups)),
        Chapter("comparisons", "Comparisons", chapters=comparisons),
        Chapter("studies", "Tuning studies", chapters=studies),
        _speed(groups, shown, tables, overall, without),
        _measured(groups, shown, tables, without),
    ]
    whole = [part for part in parts if part.sentences or part.tables or part.chapters]
    return render(whole, reports, Keys.of(shown))


def _summary(
    groups: Sequence[Group],
    overall: Mapping[str, Picture],
    lost: Sequence[tuple[str, tuple[int, ...]]],
    first: Sequence[str],
) -> Chapter:
    return Chapter(
        slug="summary",
        title="Summary",
        sentences=summary(groups) or [NOTHING],
        warnings=[*first, *incomplete(groups, lost)],
        pictures=[overall["accuracy"]] if "accuracy" in overall else [],
    )


def _accuracy(
    groups: Sequence[Group], shown: Sequence[Group], tables: Mapping[str, Table], gaps: Sequence[Gap]
) -> Chapter:
    """A table for each data set, because accuracies on different images cannot be compared."""
    found, titles = [], data_titles(groups)
    for name in data_sets(groups) if "accuracy" in tables else []:
        every = [row for row in tables["accuracy"].rows if row["data"] == name]
        of_data = [one for one in groups if one.parameter("data") == name]
        rows = rows_of(every, shown)
        cut = rows_note(len(rows), len(every), "accuracy")
        note = " ".join(filter(None, (cut, unequal(of_data), mixed(of_data), ways(of_data))))
        table = replace(tables["accuracy"], title=titles[name], rows=rows, note=note)
        found.append(("accuracy", replace(table, left_out=left_out(gaps, groups, of_data))))
    for name in tables.keys() & {"published_history"}:
        silent = [one.title for one in groups if not one.published_history]
        without = f"The sources of {some(silent)} print no history." if silent else NOTHING_LEFT_OUT
        found.append((name, replace(tables[name], left_out=without)))
    return Chapter("accuracy", "Accuracy", [READING] if found else [], tables=found)


def _speed(
    groups: Sequence[Group],
    shown: Sequence[Group],
    tables: Mapping[str, Table],
    overall: Mapping[str, Picture],
    without: str,
) -> Chapter:
    found = []
    if "throughput" in tables:
        rows = rows_of(tables["throughput"].rows, shown)
        note = f"{rows_note(len(rows), len(groups), 'throughput')} {unequal(groups)}".strip()
        found.append(("throughput", replace(tables["throughput"], rows=rows, note=note, left_out=without)))
    drawn = [overall["throughput"]] if "throughput" in overall else []
    return Chapter("speed", "Speed", [SPEED] if found else [], pictures=drawn, tables=found)


def _measured(groups: Sequence[Group], shown: Sequence[Group], tables: Mapping[str, Table], without: str) -> Chapter:
    made = [measured.machines(groups), measured.recipes(shown), measured.digests(groups)]
    found = [("", table) for table in made if table.rows]
    if "runs" in tables:
        every = tables["runs"].rows
        rows = rows_of(every, shown)[:ROWS]
        note = rows_note(len(rows), len(every), "runs")
        found.append(("runs", replace(tables["runs"], rows=rows, note=note, left_out=without)))
    return Chapter("measured", "How it was measured", [AGAIN] if found else [], tables=found)


def render(parts: Sequence[Chapter], reports: Path, keys: Keys) -> Path:
    """Write chapters as report.md and report.html; returns the path of the latter, which needs no other file."""
    from jinja2 import Environment
    from markupsafe import Markup

    html = Environment(autoescape=True, finalize=_printable, trim_blocks=True, lstrip_blocks=True)
    text = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)  # Markdown is escaped by `_literal`
    html.filters.update(embedded=_Embedding().picture, inline=Markup)  # a drawing has escaped its words itself
    text.filters.update(literal=_literal, markdown=_markdown)
    style, script = _resource("report.css"), _resource("report.js")
    facts = {"parts": parts, "reports": reports, "keys": keys, "style": Markup(style), "script": Markup(script)}
    for environment, name in ((html, "report.html"), (text, "report.md")):
        template = environment.from_string(_resource(f"{name}.j2"))
        files.write(reports / name, template.render(facts, policy=_policy(script)).encode())
    return reports / "report.html"


def _resource(name: str) -> str:
    return resources("suite.reporting").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """The page's content security policy: its own style and pictures, this one script, and nothing else."""
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


class _Embedding:
    """Puts pictures into one page, as long as all of them together are not longer than `IMAGES`."""

    def __init__(self) -> None:
        self._left = IMAGES

    def picture(self, picture: Picture) -> str:
        """The picture as the address of itself; empty where it is too much for the page."""
        found = _embedded(picture)
        if len(found) > self._left:
            return ""
        self._left -= len(found)
        return found


def _embedded(picture: Picture) -> str:
    """The picture's PNG as WebP without any loss, a sixth smaller; as it is where Pillow has no WebP."""
    from PIL import Image, WebPImagePlugin, features  # noqa: F401  # else Pillow loads all its formats to find this one

    kind, contents = "png", picture.png.read_bytes()
    if features.check("webp"):
        file = io.BytesIO()
        try:
            with Image.open(io.BytesIO(contents)) as image:
                image.convert("RGB").save(file, "webp", lossless=True, method=4)
            kind, contents = "webp", file.getvalue()
        except (OSError, ValueError, SyntaxError):  # what a record holds as a picture may be none
            pass
    return f"data:image/{kind};base64,{base64.b64encode(contents).decode()}"


def _printable(value: Any) -> Any:
    return printable(value) if type(value) is str else value  # a `Markup` is from a template, so it is safe


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", **{mark: f"\\{mark}" for mark in "\\|*`_[]"}})


def _literal(text: object) -> str:
    """Text in which all characters are escaped that mean something in Markdown or HTML."""
    one_line = str(_printable(" ".join(str(text).split())))
    return one_line.translate(_ESCAPES)


def _markdown(table: Table) -> str:
    import pandas as pd

    cells = [[_literal(cell) for cell in row] for row in table.cells()]
    align = ["right" if numeric else "left" for numeric in table.numeric()]
    frame = pd.DataFrame(cells, columns=[_literal(name) for name in table.columns()])
    return str(frame.to_markdown(index=False, colalign=align, disable_numparse=True))
