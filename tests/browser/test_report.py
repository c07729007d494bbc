"""The report page, opened from its file as a reader does: three widths, mouse, keyboard, no network."""

from pathlib import Path
from typing import Any

import pytest

from suite.data.catalog import CATALOG
from tests.browser.devtools import Tab

pytestmark = pytest.mark.browser

WIDTHS = (390, 820, 1400)
CELLS = ("1,024", "–", "9.5", "-3", "+0.0082", "12 %", "–", "2,000 (1,500 to 2,500)", "needs 3 seeds", "0.8 to 0.9")


def column(tab: Tab, number: int, table: str = "table") -> list[str]:
    """The cells of one column of a table, from top to bottom."""
    return list(
        tab.ask(f"[...document.querySelector('{table}').tBodies[0].rows].map(one => one.cells[{number}].textContent)")
    )


def overflow(tab: Tab) -> int:
    """How many pixels the page is wider than the window."""
    return int(tab.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_complains_of_nothing_and_asks_for_nothing(tab: Tab, report: str, width: int, dark: bool) -> None:
    tab.open(report, width=width, dark=dark)

    assert tab.ask("innerWidth") == width
    assert overflow(tab) == 0
    assert tab.complaints == []
    assert tab.requests == [report]


def test_it_shows_the_accuracy_of_both_experiments(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)

    heads = tab.ask(
        "[...document.querySelector('#accuracy ~ .wide table').tHead.rows[0].cells].map(one => one.textContent)"
    )
    assert heads[:4] == ["experiment", "n", "seeds", "test accuracy"]
    assert [title.split(",")[0] for title in column(tab, 0)] == ["lenet", "mlp"]
    assert all(0 < float(cell) <= 1 for cell in column(tab, 3))


@pytest.mark.parametrize("width", WIDTHS)
def test_every_picture_and_every_chart_is_as_wide_as_the_page_lets_it_be(tab: Tab, report: str, width: int) -> None:
    """On a phone nothing is cut. A picture can be enlarged there; the letters of a chart stay readable."""
    tab.open(report, width=width)

    shown = tab.ask(
        "[...document.querySelectorAll('figure img, svg.chart')].map(one => one.getBoundingClientRect())"
        ".map(box => [box.left, box.right])"
    )
    letters = tab.ask("[...document.querySelectorAll('svg.chart text')].map(one => one.getBoundingClientRect().height)")
    assert len(shown) >= 10
    assert [ends for ends in shown if ends[0] < 0 or ends[1] > width or ends[1] - ends[0] < 200] == []
    assert min(letters) > 9
    assert tab.ask("[...document.images].filter(one => !one.alt || one.naturalWidth < 100).length") == 0


def test_a_picture_is_enlarged_by_a_click_and_small_again_by_another(tab: Tab, report: str) -> None:
    tab.open(report, width=390)
    widths = [tab.ask("document.images[0].clientWidth")]
    for _ in range(2):
        tab.click(".zoom")
        widths.append(tab.ask("document.images[0].clientWidth"))

    assert widths[0] == widths[2] < 390 < 1000 < widths[1]
    assert overflow(tab) == 0


def test_what_is_published_is_seen_without_scrolling(tab: Tab, report: str) -> None:
    tab.open(report, width=1280)
    ends = tab.ask(
        "[...document.querySelector('#accuracy ~ .wide table').tHead.rows[0].cells]"
        ".map(one => [one.textContent, one.getBoundingClientRect().right])"
    )
    edge = tab.ask("document.querySelector('#accuracy ~ .wide').getBoundingClientRect().right")

    assert {name for name, right in ends if right <= edge} >= {"test accuracy", "published", "difference"}


def test_the_page_is_dark_where_the_reader_wants_it_dark(tab: Tab, report: str) -> None:
    filters, colours = [], []
    for dark in (False, True):
        tab.open(report, width=1400, dark=dark)
        filters.append(tab.ask("getComputedStyle(document.images[0]).filter"))
        colours.append(tab.ask("getComputedStyle(document.querySelector('.chart circle')).fill"))

    assert filters == ["none", "invert(1) hue-rotate(180deg)"]
    assert colours[0] != colours[1]


def test_the_contents_are_open_beside_the_page_and_closed_above_it(tab: Tab, report: str) -> None:
    found = []
    for width in WIDTHS:
        tab.open(report, width=width)
        found.append(tab.ask("document.querySelector('nav > details').open"))

    assert found == [False, False, True]


def test_every_link_leads_to_its_place(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    links = tab.ask("[...document.links].map(one => one.getAttribute('href'))")

    assert len(links) >= 9
    for link in links:
        tab.ask("scrollTo(0, 0)")
        tab.ask(f"document.querySelector('a[href=\"{link}\"]').click()")
        top, shown = tab.ask(f"[document.querySelector('{link}').getBoundingClientRect().top, location.hash]")
        low = tab.ask("document.documentElement.scrollHeight - innerHeight - scrollY < 2")
        assert shown == link
        assert -5 <= top < 40 or low, link  # near the end the page cannot scroll further


def test_a_table_is_sorted_by_mouse_both_ways(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    before = column(tab, 0)

    tab.click("thead th:first-child button")
    up, said_up = column(tab, 0), tab.ask("document.querySelector('thead th').ariaSort")
    tab.click("thead th:first-child button")
    down, said_down = column(tab, 0), tab.ask("document.querySelector('thead th').ariaSort")

    assert len(before) == 2
    assert (up, said_up) == (sorted(before), "ascending")
    assert (down, said_down) == (sorted(before, reverse=True), "descending")


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_table_is_reached_and_sorted_by_keyboard(tab: Tab, report: str, key: str) -> None:
    """From the top of the page: first the skip link, then Tab to the chart, the first table, and its fourth column."""
    tab.open(report, width=1400)
    tab.press("Tab")
    assert tab.ask("document.activeElement.className") == "skip"
    tab.press("Enter")
    reached = []
    while len(reached) < 12 and "test accuracy" not in reached:
        tab.press("Tab")
        reached.append(tab.ask("document.activeElement.ariaLabel || document.activeElement.textContent"))
    tab.press(key)
    tab.press(key)

    accuracies = f"Accuracy on all test images of {CATALOG['digits'].title}"
    table = f"Accuracy: {CATALOG['digits'].title}"
    assert reached == [
        f"{accuracies}; the arrow keys go from value to value", f"Save SVG: {accuracies}", f"Columns: {table}",
        f"Save CSV: {table}", table, "experiment", "n", "seeds", "test accuracy",
    ]  # fmt: skip
    assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"  # the focus is visible
    assert column(tab, 3) == sorted(column(tab, 3), reverse=True)
    assert tab.ask("[...document.querySelectorAll('thead')[0].rows[0].cells].map(one => one.ariaSort)")[:4] == [
        "none", "none", "none", "descending",
    ]  # fmt: skip


def test_figures_sort_as_figures_and_dashes_come_last_both_ways(tab: Tab, report: str) -> None:
    """Numbers with thousands, signs, percent and ranges, put into the first table of the page."""
    tab.open(report, width=1400)
    cells = "".join(f"<tr><th>{n}</th><td>{cell}</td></tr>" for n, cell in enumerate(CELLS))
    tab.ask(f"document.querySelector('tbody').innerHTML = {cells!r}")
    button = "thead th:nth-child(2) button"

    tab.click(button)
    up = column(tab, 1)
    tab.click(button)
    down = column(tab, 1)

    ordered = ["-3", "+0.0082", "0.8 to 0.9", "9.5", "12 %", "1,024", "2,000 (1,500 to 2,500)", "needs 3 seeds"]
    assert up == [*ordered, "–", "–"]
    assert down == [*reversed(ordered), "–", "–"]


@pytest.mark.parametrize(
    "planted",
    [
        "<script>document.title = 'mine'</script>",
        "<img src='x' onerror=\"document.title = 'mine'\">",
        "<img src='http://127.0.0.1:9/elsewhere.png'>",
    ],
    ids=["a script", "an attribute", "a picture"],
)
def test_the_policy_stops_what_the_page_would_not_do(tab: Tab, report: str, tmp_path: Path, planted: str) -> None:
    """All words are escaped. If some were not, the policy still stops their scripts and requests, and reports them."""
    copy = tmp_path / "copy.html"
    copy.write_text(Path(report.removeprefix("file://")).read_text().replace("<h1>", f"{planted}<h1>"))

    tab.open(copy.as_uri(), width=1400)

    assert tab.ask("document.title") == "Suite: report"
    assert any("Content Security Policy" in line for line in tab.complaints)
    assert [address for address in tab.requests if address.startswith("http")] == []


def test_what_is_too_wide_and_a_request_and_a_complaint_would_be_seen(tab: Tab, tmp_path: Path) -> None:
    """Checks that the tests above can fail. The request goes to a port where nothing listens."""
    elsewhere = "http://127.0.0.1:9/elsewhere.png"
    phone = "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    page = tmp_path / "asking.html"
    page.write_text(
        f"<!doctype html>{phone}<p style='width: 500px'><img src='{elsewhere}'><script>console.error('seen')</script>"
    )

    tab.open(page.as_uri(), width=390)

    assert overflow(tab) > 0
    assert elsewhere in tab.requests
    assert any("seen" in line for line in tab.complaints)


def test_it_prints_without_contents_and_with_all_of_every_table(tab: Tab, report: str) -> None:
    tab.open(report, width=700)
    tab.call("Emulation.setEmulatedMedia", media="print")
    shown: dict[str, Any] = tab.ask(
        "({nav: getComputedStyle(document.querySelector('nav')).display,"
        " boxes: [...document.querySelectorAll('.wide')].map(one => getComputedStyle(one).overflowX)})"
    )
    tab.call("Emulation.setEmulatedMedia", media="")

    assert shown["nav"] == "none"
    assert set(shown["boxes"]) == {"visible"}
