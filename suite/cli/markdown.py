"""Tables as GitHub shows them: on stdout, and in the summary of a job of GitHub's Actions."""

import os
import re
from collections.abc import Sequence

from suite.masking import masked
from suite.text import printable

_MEANING = re.compile(r"([\\|<*`\[~])")  # letters that Markdown reads as instructions


def table(title: str, names: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    """A heading and a table; the columns that are `right` align so."""
    marks = ["--:" if numeric else ":--" for numeric in right]
    lines = [[_cell(name) for name in names], marks, *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join([f"### {_cell(title)}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def sentences(lines: Sequence[str]) -> str:
    """A list, a line for each."""
    return "".join(f"- {_cell(line)}\n" for line in lines)


def show(text: str) -> None:
    """Print it, and add it to the job's summary, whose file GitHub names."""
    print(text, flush=True)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def _cell(words: str) -> str:
    return _MEANING.sub(r"\\\1", " ".join(printable(masked(words)).split()))
