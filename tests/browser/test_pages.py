"""The documentation's pages: built with warnings as errors, complete, and opened in Chromium at three widths."""

import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import suite
from suite.cli import verbs
from suite.recipe.fields import FIELDS
from tests.browser.conftest import Browser
from tests.browser.devtools import Tab
from tests.conftest import ROOT, plain_environment

pytestmark = pytest.mark.slow

WIDTHS = (360, 768, 1280)
WIDE = ("index", "project/readme", "reference/cli", "reference/errors", "reference/python", "speed")
COMMAND = "python -m sphinx -W --keep-going -b html docs docs/_build"


def build(source: Path, into: Path) -> tuple[int, str]:
    """Give CONTRIBUTING.md's command for these folders; its exit code and what it wrote to stderr.

    It loads no torch, so it needs no process that has loaded it.
    """
    _, *words = COMMAND.replace("docs docs/_build", f"-q -d {into}/trees {source} {into}/html").split()
    answer = subprocess.run([sys.executable, *words], cwd=ROOT, env=plain_environment(), capture_output=True, text=True)
    return answer.returncode, answer.stderr


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("pages")
    assert build(ROOT / "docs", into) == (0, "")
    return into / "html"


def text_of(pages: Path, name: str) -> str:
    """What a reader of a page sees."""
    page = (pages / f"{name}.html").read_text(encoding="utf-8")
    return unescape(re.sub(r"<[^>]*>", "", page[page.index("<article") : page.index("</article")]))


def test_contributing_has_the_command_that_builds_them() -> None:
    assert f"    {COMMAND}\n" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_public_name_is_in_the_reference(pages: Path) -> None:
    page = (pages / "reference/python.html").read_text(encoding="utf-8")

    assert [name for name in suite.__all__ if f'id="suite.{name}"' not in page] == []
    assert 'id="suite.api.results.Runs"' in page  # what `suite.run` returns


def test_the_help_of_every_verb_is_in_the_reference(pages: Path) -> None:
    shown = text_of(pages, "reference/cli")
    names = {name.partition("_")[0] for name in verbs.__all__}

    assert names == set(re.findall(r"^usage: python -m suite (\w+)", shown, re.MULTILINE))
    assert "--seeds N             train with the seeds 0 to N-1 (3, the fewest that give" in shown


def test_every_field_of_a_recipe_is_in_the_reference_with_its_rule(pages: Path) -> None:
    rows = re.findall(r"^(\w+)\n(.+)\n(.+)$", text_of(pages, "reference/recipe"), re.MULTILINE)
    rules = {name: (default, rule) for name, default, rule in rows}

    assert set(rules) >= set(FIELDS)
    assert rules["lr"] == ("must be given", "above 0")
    assert rules["keep"] == ("'last'", "one of last, best")
    assert rules["clip_norm"] == ("None", "above 0, or none")


def test_lenets_published_history_has_all_epochs(pages: Path) -> None:
    rows = re.findall(r"^(\d+)\n(0\.\d{4}|1\.\d{4})\n(0\.\d{4})\n(0\.\d{4})\n(0\.\d{4})$",
                      text_of(pages, "reference/published"), re.MULTILINE)  # fmt: skip

    assert [int(row[0]) for row in rows] == list(range(25))
    assert rows[0] == ("0", "1.3207", "0.5002", "0.8333", "0.6904")
    assert rows[24] == ("24", "0.3085", "0.8838", "0.3331", "0.8771")


def test_the_readmes_refusals_are_among_the_error_messages(pages: Path) -> None:
    shown = text_of(pages, "reference/errors")

    assert "… is not a field of a recipe…" in shown
    assert "Fields: …." in shown


def test_every_link_leads_to_a_file_and_to_a_place_in_it(pages: Path) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in pages.rglob("*.html")}
    places = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in texts.items()}
    followed, lost = 0, []
    for page, text in texts.items():
        for link in re.findall(r'<a [^>]*href="([^"]+)"', text):
            parts = urlsplit(unescape(link))
            if parts.scheme or page.is_relative_to(pages / "_downloads"):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment)
            followed += 1
            if not target.is_file() or (place and place not in places.get(target, {place})):
                lost.append(f"{page.relative_to(pages)}: {link}")

    assert followed > 500
    assert lost == []


def test_a_page_that_nothing_leads_to_and_a_dead_link_end_the_build(tmp_path: Path) -> None:
    """Checks that a build can fail: a copy of the settings, one page in the index, and one beside it."""
    source = tmp_path / "docs"
    source.mkdir()
    for name in ("conf.py", "pages.py", "program.py"):
        shutil.copy(ROOT / "docs" / name, source)
    (source / "index.md").write_text("# Index\n\n## How to\n\n- [One](one.md)\n")
    (source / "one.md").write_text("# One\n\nSee [lost](lost.md).\n")
    (source / "two.md").write_text("# Two\n")

    code, complaints = build(source, tmp_path)

    assert code == 1
    assert re.findall(r"two.md: WARNING: document isn't included in any toctree", complaints)
    assert re.findall(r"one.md:3: WARNING: .*'lost.md'", complaints)
    assert complaints.count("WARNING") == 2


@pytest.mark.browser
def test_no_page_is_wider_than_its_window_or_asks_for_anything(pages: Path, browser: Browser) -> None:
    tab = Tab(browser.command, browser.profiles / "pages")
    for name in WIDE:
        for width in WIDTHS:
            tab.open((pages / f"{name}.html").as_uri(), width=width)
            too_wide = tab.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            empty = tab.ask("[...document.images].filter(one => !one.naturalWidth).map(one => one.src)")
            elsewhere = [address for address in tab.requests if not address.startswith("file:")]
            assert (tab.ask("innerWidth"), too_wide, empty, elsewhere, tab.complaints) == (width, 0, [], [], []), name
    tab.close()
