"""Completes the pages of the documentation when Sphinx reads them.

Pages in reference/ get what `program` takes from the program. Pages in project/ get the text of a file outside docs/,
such as README.md. The index gets a table of contents from its own lists. A notebook becomes Markdown.
"""

import functools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from program import REFERENCE, ROOT, fenced

DOCS = ROOT / "docs"
LINK = re.compile(r"""(?:(?<=\]\()|(?<=src="))(?!\w+:|#)([^)\s#"]+)(?=[)#"])""")
TITLED = re.compile(r"\[([^\]]+)\]\(([^)#]+)\)")
FOLDER = re.compile(r"`(\w+/)`")
PICTURES = (".png", ".svg")


def complete(path: Path, text: list[str]) -> None:
    """Complete the text of a page, its only item, in place. This is what Sphinx's event `source-read` asks for."""
    [words], place = text, path.parent
    if path.suffix == ".ipynb":
        words = notebook(json.loads(words))
    elif place.name == "project":
        source = _source(path)
        words, place = source.read_text(encoding="utf-8"), source.parent
    elif place.name == "reference" and path.stem in REFERENCE:
        words += "\n" + REFERENCE[path.stem]()
    elif path == DOCS / "index.md":
        words = with_toctrees(words)
    text[0] = LINK.sub(lambda link: _target(link[1], place, path.parent), words)


def is_completed(page: str) -> bool:
    """Whether a page, such as `reference/cli`, shows more than the text of its own file."""
    return page == "index" or page.startswith(("project/", "reference/"))


def with_toctrees(index: str) -> str:
    """The index with Sphinx's table of contents for each section: the pages that the section's list links to.

    A folder in backticks, such as `tutorials/`, stands for all pages in it. Then the table is shown, else it is hidden.
    """

    def toctree(section: re.Match[str]) -> str:
        linked = [f"{title} <{_target(link, DOCS, DOCS)}>" for title, link in TITLED.findall(section[0])]
        folders = FOLDER.findall(section[0])
        inside = [path for folder in folders for path in sorted((DOCS / folder).glob("*.[mi][dp]*"))]  # .md, .ipynb
        pages = [*linked, *(path.relative_to(DOCS).as_posix() for path in inside)]
        options = [f":caption: {section[1]}", *([] if folders else [":hidden:"]), ""]
        table = fenced("{toctree}", "\n".join(options + pages))
        return f"{section[0]}\n{table}\n\n" if pages else section[0]

    return re.sub(r"^## (.*)\n(?:(?!## ).*\n)*", toctree, index, flags=re.MULTILINE)


def notebook(document: Mapping[str, Any]) -> str:
    """A notebook as Markdown: its text, its code, and what the code has shown."""
    parts = []
    for cell in document["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] != "code" else fenced("python", source))
        for output in cell.get("outputs", ()):
            shown = output.get("data", {"text/plain": output.get("text", "")})
            if html := "".join(shown.get("text/html", "")):
                parts.append(fenced("{raw} html", f'<div style="overflow-x: auto">{html}</div>'))
            elif "image/png" in shown:
                parts.append(f"![output](data:image/png;base64,{''.join(shown['image/png']).strip()})")
            else:
                parts.append(fenced("text", "".join(shown["text/plain"])))
    return "\n\n".join(parts)


def _source(page: Path) -> Path:
    """The file whose text a page of project/ shows: the one that it links to."""
    return (page.parent / LINK.findall(page.read_text(encoding="utf-8"))[0]).resolve()


@functools.cache
def _pages() -> dict[Path, Path]:
    """The page of each file outside docs/ that has one."""
    return {_source(page): page for page in (DOCS / "project").glob("*.md")}


def _target(link: str, source: Path, page: Path) -> str:
    """A link as Sphinx needs it on a page in the folder `page`, where the text with the link lies in `source`.

    `path:` makes Sphinx offer a file without a page for download. What is no link to a file stays as it is.
    """
    path = (source / link).resolve()
    path = path / "README.md" if (path / "README.md").exists() else _pages().get(path, path)
    if not path.exists():
        return link
    if path.is_relative_to(DOCS) or path.suffix in PICTURES:
        return os.path.relpath(path, page)
    shown = path.with_suffix(".html") if path.with_suffix(".html").exists() else path  # the sample report has both
    return f"path:{os.path.relpath(shown, page)}"
