"""README.zh.md has the commands, figures, links and headings of README.md. The prose may be its own."""

import re
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.conftest import ROOT

ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")


@dataclass
class Section:
    """What a section has that must not depend on the language."""

    heading: str
    commands: list[str]
    rows: list[tuple[str, ...]]
    words: Counter[str]
    links: Counter[str]
    figures: set[str]


def sections(text):
    """The parts of a page, each with its heading's line."""
    return [_section(part) for part in re.split(r"^(?=#+ )", _code_apart(text), flags=re.MULTILINE) if part.strip()]


def _code_apart(text):
    """The page with the lines of fenced code indented, so that a comment in it is no heading."""
    return re.sub(
        r"^```\w*\n(.*?)^```$", lambda found: re.sub(r"^", "    ", found[1], flags=re.MULTILINE), text,
        flags=re.MULTILINE | re.DOTALL,
    )  # fmt: skip


def _section(part):
    lines = part.splitlines()
    code = [line for line in lines if line.startswith("    ") and line.strip()]
    rows = [line for line in lines if line.startswith("|")]
    prose = "\n".join(line for line in lines if line not in code and line not in rows)
    marked = re.findall(r"`([^`]+)`", re.sub(r"\s+", " ", prose))
    plain = re.sub(r"`[^`]+`|\]\([^)]*\)", " ", prose)
    return Section(
        lines[0],
        [command(line) for line in code],
        [tuple(_kept(cell)) for row in rows for cell in row.strip("|").split("|")],
        Counter(marked),
        Counter(link for link in re.findall(r"\]\(([^)]*)\)", prose) if not link.startswith("README")),
        _figures(plain),
    )


def command(line):
    """A line of code without the remark behind it: after two spaces, or a `#`."""
    return re.split(r"\s+#|\s{2,}", line.strip(), maxsplit=1)[0]


def _kept(cell):
    """What a cell of a table keeps in each language: its code and its figures."""
    marked = re.findall(r"`([^`]+)`", cell)
    return [*marked, *sorted(_figures(re.sub(r"`[^`]+`", " ", cell)))]


def _figures(text):
    """The numbers. One digit counts only if both languages have it, because one of them may write a word."""
    return {*re.findall(r"\d(?:[\d.,]*\d)?", text)}


def test_the_headings_are_of_the_same_number_and_levels():
    english, chinese = (re.findall(r"^(#+) (.*)$", _code_apart(text), re.MULTILINE) for text in (ENGLISH, CHINESE))

    assert [mark for mark, _ in english] == [mark for mark, _ in chinese], (
        "README.md and README.zh.md have other headings:\n"
        + "\n".join(f"{one[1]:40} {other[1]}" for one, other in zip(english, chinese, strict=False))
    )


@pytest.mark.parametrize("what", ["commands", "rows", "words", "links", "figures"])
@pytest.mark.parametrize("number", range(len(sections(ENGLISH))))
def test_a_section_has_the_same(number, what):
    english, chinese = sections(ENGLISH)[number], sections(CHINESE)[number]
    here, there = getattr(english, what), getattr(chinese, what)
    if what == "figures":
        there = {one for one in there if len(one) > 1 or one in here}

    assert here == there, (
        f"{what} of {english.heading!r} in README.md and {chinese.heading!r} in README.zh.md differ.\n"
        f"only in README.md:    {_only(here, there)}\nonly in README.zh.md: {_only(there, here)}"
    )


def _only(here, there):
    return sorted((Counter(here) - Counter(there)).elements(), key=str)


def test_each_readme_leads_to_the_other_on_its_first_screen():
    assert "](README.zh.md)" in "".join(ENGLISH.splitlines()[:6])
    assert "](README.md)" in "".join(CHINESE.splitlines()[:6])


def test_a_changed_command_or_figure_is_noticed():
    changed = sections(
        ENGLISH.replace("--seeds 5 ", "--seeds 6 ").replace("0.8677", "0.8678").replace("139 MB", "138 MB")
    )
    before = sections(ENGLISH)

    assert [one.commands for one in changed] != [one.commands for one in before]
    assert [one.rows for one in changed] != [one.rows for one in before]
    assert [one.figures for one in changed] != [one.figures for one in before]


def test_a_remark_may_be_in_another_language():
    assert command("    python -m suite list      all experiments") == "python -m suite list"
    assert (
        command("    python -m suite compare cnn cnn_one_epoch  哪个更好")
        == "python -m suite compare cnn cnn_one_epoch"
    )
    assert command("    python -m suite gate mlp   # in CI") == "python -m suite gate mlp"
