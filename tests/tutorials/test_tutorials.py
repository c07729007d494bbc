"""Each command of the tutorials, and what the page says it prints."""

import re
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.conftest import ROOT, in_full
from tests.tutorials.pages import FOLDER, QUICKEST, Command, Reader, blocks, follow, masked, shortened

PAGES = sorted(FOLDER.glob("*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _follow_and_compare(path: Path, home: Path, *, full: bool) -> tuple[int, int]:
    """How many of the page's commands were given, and how many it has."""
    page, given = path.read_text(encoding="utf-8"), 0

    def compare(block, command, printed):
        nonlocal given
        given += 1
        measured = "measured" in block.kind
        shown, found = masked(command.output, measured=measured), masked(printed, measured=measured)
        differences = "\n".join(unified_diff(shown, found, "the page", "the command", lineterm=""))
        assert shown == found, (
            f"{path.name}, line {command.line}: `{command.words}` printed something else.\n{differences}\n"
            f"If that is intended: python -m tests.tutorials.pages {path.stem}"
        )

    follow(page, home, give=lambda block: full or "real" not in block.kind, then=compare)
    return given, len(re.findall(r"^\$ ", page, re.MULTILINE))


@pytest.mark.commands
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_its_commands_print(path, tmp_path):
    """The quick blocks, on the digits."""
    given, _ = _follow_and_compare(path, tmp_path, full=False)
    assert given >= 2


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_its_commands_print_on_the_real_data(path, tmp_path, pytestconfig):
    assert in_full(pytestconfig)
    given, every = _follow_and_compare(path, tmp_path, full=True)
    assert given == every


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_reader_is_not_the_first_on_her_machine(tmp_path, monkeypatch):
    """With an empty cache too: what the first command of a machine prints is not on the pages."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    (tmp_path / "home").mkdir()

    printed = Reader(tmp_path / "home").gives(Command(f"python -m suite {QUICKEST}", 0))

    assert printed[0] == "1 run to train."
    assert not [line for line in printed if "compiled" in line]


def test_there_is_a_page_for_each_of_three_people():
    assert [path.stem for path in PAGES] == ["engineer", "learner", "researcher"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_says_first_how_long_it_takes_and_what_one_will_have(path):
    top = path.read_text(encoding="utf-8").partition("\n## ")[0]

    assert "minutes" in top
    assert "At the end you have" in top


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_no_test_of_a_page_executes_is_the_installation_that_ci_executes(path):
    """Beside that a page may show a file for CI."""
    for block in blocks(path.read_text(encoding="utf-8")):
        assert block.kind[:1] in (["console"], ["python"], ["sh"], ["yaml"]), f"{path.name}, line {block.first}"
        installs = [line for line in block.lines if block.kind[0] == "sh" and "pip" in line]
        assert all(line.removeprefix("../new/bin/") in README for line in installs), installs


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_and_picture_of_a_page_is_there(path):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_lines_are_left_out_where_the_page_leaves_them_out():
    assert shortened(["a", "b", "c", "d"], ["x", "…", "y", "z"]) == ["a", "…", "c", "d"]
    assert shortened(["a", "b"], ["x", "…", "y"]) == ["a", "…", "b"]
    assert shortened(["a"], ["x", "…", "y"]) == ["a", "…"]
    assert shortened(["a", "b"], ["x"]) == ["a", "b"]


def test_only_times_and_speeds_are_masked():
    line = "mlp-s0  finished           0.8894           0.8894               {}  c8e29f48c135"

    assert masked([line.format("72,217")], measured=False) == masked([line.format("  9,217")], measured=False)
    assert masked(["0.8894"], measured=False) != masked(["0.8895"], measured=False)
    assert masked(["44,426"], measured=False) != masked(["44,427"], measured=False)
    assert masked(["72,217 images/s, 3 s"], measured=False) == masked(["2,217 images/s, 2.5 s"], measured=False)
    assert masked(["0.957 PASS"], measured=True) == masked(["1.01 INCONCLUSIVE"], measured=True)
    assert masked(["1.3 FAIL"], measured=True) != masked(["1.01 PASS"], measured=True)
