"""The page that a run writes, opened from its file as a reader would."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Browser
from tests.conftest import Workspace

pytestmark = pytest.mark.browser

MEASURE = """<script>
const page = document.documentElement;
document.title = JSON.stringify({needs: page.scrollWidth, has: page.clientWidth});
</script>"""

ASKED = """<script>addEventListener("load", () => {
    document.title = JSON.stringify(performance.getEntriesByType("resource").map(one => one.name));
})</script>"""


@pytest.fixture(scope="module")
def report(filled: Workspace) -> Path:
    return filled.home / "reports" / "report.html"


def test_it_opens_from_its_file_and_shows_the_accuracy_of_both_experiments(browser: Browser, report: Path) -> None:
    page = browser.open(report.as_uri())

    rows = re.findall(r"<tr>(.*?)</tr>", page.dom.partition('<h2 id="accuracy">')[2].partition("<h2")[0], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    assert cells[0][:3] == ["experiment", "n", "test accuracy"]
    assert [re.match("[a-z]+", row[0])[0] for row in cells[1:]] == ["lenet", "mlp"]
    assert all(0 < float(row[2]) <= 1 for row in cells[1:])


def test_it_complains_of_nothing_on_the_console(browser: Browser, report: Path) -> None:
    assert browser.open(report.as_uri()).complaints == []


def test_the_console_would_tell(browser: Browser, tmp_path: Path) -> None:
    """Keeps the test above honest: a complaint is seen where there is one."""
    page = tmp_path / "wrong.html"
    page.write_text("<!doctype html><script>console.error('seen')</script>")

    assert any("seen" in line for line in browser.open(page.as_uri()).complaints)


def test_it_asks_for_nothing_but_itself(browser: Browser, report: Path, tmp_path: Path) -> None:
    assert _asked(browser, _with(report, ASKED, tmp_path)) == []


def test_a_question_would_be_seen(browser: Browser, report: Path, tmp_path: Path) -> None:
    """Keeps the test above honest: the same page with a picture from elsewhere, on a port where nobody listens."""
    elsewhere = "http://127.0.0.1:9/elsewhere.png"

    assert _asked(browser, _with(report, f'<img src="{elsewhere}">{ASKED}', tmp_path)) == [elsewhere]


def test_every_picture_is_in_it_and_is_drawn(browser: Browser, report: Path, tmp_path: Path) -> None:
    count = "<script>document.title = JSON.stringify([...document.images].map(one => one.naturalWidth))</script>"

    widths = _title(browser, _with(report, count, tmp_path))

    assert len(widths) >= 6
    assert all(width > 100 for width in widths)


@pytest.mark.parametrize("width", [400, 900, 1500])
def test_it_does_not_scroll_sideways(browser: Browser, report: Path, tmp_path: Path, width: int) -> None:
    """In a frame of that width: Chromium's own window is never narrower than 500."""
    inner = _with(report, MEASURE, tmp_path)
    tell = "<script>addEventListener('load', () => { document.title = frames[0].document.title; })</script>"
    outer = tmp_path / "outer.html"
    outer.write_text(f'<!doctype html>{tell}<iframe src="{inner.name}" width="{width}" height="900" style="border:0">')

    found = _title(browser, outer, width=1600, flags=("--allow-file-access-from-files",))

    assert found["needs"] == found["has"]
    assert width - 20 <= found["has"] <= width  # a scroll bar may take its part


def _asked(browser: Browser, page: Path) -> list[str]:
    """What the page fetched or tried to, but for what it holds itself."""
    return [name for name in _title(browser, page) if not name.startswith("data:")]


def _with(report: Path, script: str, folder: Path) -> Path:
    """A copy of the page that runs `script` at its end."""
    copy = folder / "copy.html"
    copy.write_text(report.read_text(encoding="utf-8").replace("</body>", f"{script}</body>"), encoding="utf-8")
    return copy


def _title(browser: Browser, page: Path, *, width: int = 1500, flags: tuple[str, ...] = ()) -> Any:
    found = re.search("<title>(.*?)</title>", browser.open(page.as_uri(), width=width, flags=flags).dom, re.DOTALL)
    return json.loads(html.unescape(found[1]))
