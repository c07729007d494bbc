"""The report page as one explores it: hovering, choosing, searching, links to a view, saving what is seen."""

import csv
import io
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.browser.conftest import serious
from tests.browser.devtools import Tab

pytestmark = pytest.mark.browser
FULL = pytest.mark.promise, pytest.mark.full

FIRST = "#accuracy ~ .wide table"


def tip(tab: Tab) -> str:
    """The words beside the mark that is pointed at; `""` if none is."""
    return str(tab.ask("document.querySelector('.tip').textContent"))


def rows(tab: Tab, table: str = FIRST) -> list[str]:
    """The first cells of the rows that are shown."""
    return list(
        tab.ask(
            f"[...document.querySelector('{table}').tBodies[0].rows].filter(one => one.offsetHeight)"
            ".map(one => one.cells[0].textContent)"
        )
    )


def seen(tab: Tab, selector: str) -> int:
    """How many elements of this kind take room on the page."""
    found = f"[...document.querySelectorAll({selector!r})]"
    return int(tab.ask(f"{found}.filter(one => one.getBoundingClientRect().height).length"))


def choose(tab: Tab, name: str) -> None:
    """Click the box of an experiment."""
    wanted = f"one.parentElement.textContent.includes('{name}')"
    tab.ask(f"[...document.querySelectorAll('[name=show]')].find(one => {wanted}).click()")


def type_in(tab: Tab, words: str) -> None:
    """Write into the field of the search."""
    tab.ask("document.querySelector('[type=search]').focus()")
    tab.call("Input.insertText", text=words)


def saved(folder: Path) -> str:
    """The text of the one file that the page saves into a folder."""
    deadline = time.monotonic() + 60
    while not (found := [path for path in folder.iterdir() if path.suffix in (".csv", ".svg")]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found[0].read_text(encoding="utf-8")


def test_a_mark_under_the_mouse_says_value_interval_n_and_seed(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    assert tip(tab) == ""
    tab.point("svg.rows g.row circle")
    said = tip(tab)
    tab.point("h1")

    table = Path(report.removeprefix("file://")).with_name("accuracy.csv").read_text(encoding="utf-8")
    [row] = [row for row in csv.DictReader(table.splitlines()) if "lenet" in row["experiment"]]
    assert said.startswith(f"{row['experiment']}: {float(row['test accuracy']):.4f}")
    assert f"over images {row['95 % over images']}" in said
    assert f"n {row['n']}, seeds {row['seeds']}" in said
    assert tip(tab) == ""
    assert tab.complaints == []


def test_the_arrow_keys_say_the_same_as_the_mouse(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    tab.point("svg.rows g.row circle")
    by_mouse = tip(tab)
    tab.point("h1")
    tab.ask("document.querySelector('svg.rows').parentElement.focus()")
    tab.press("ArrowRight")
    by_key = tip(tab)
    tab.press("ArrowRight")
    following = tip(tab)
    tab.press("Escape")

    assert by_key == by_mouse != following
    assert following.startswith("mlp")
    assert tip(tab) == ""


def test_an_experiment_that_is_not_chosen_is_nowhere_on_the_page(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    before = seen(tab, "[data-of='1']")
    choose(tab, "mlp")

    assert before > 5
    assert seen(tab, "[data-of='1']") == 0
    assert seen(tab, "[data-of='0']") > 5
    assert [name.split(",")[0] for name in rows(tab)] == ["lenet"]
    assert "rows are shown" in tab.ask("document.querySelector('.explore [role=status]').textContent")


def test_a_link_to_a_view_shows_it(tab: Tab, report: str) -> None:
    """What is chosen, searched, hidden and sorted is in the address; a page that is opened there has the same."""
    tab.open(report, width=1400)
    tab.ask("document.querySelector('a[href=\"#speed\"]').click()")
    choose(tab, "lenet")
    type_in(tab, "mlp")
    tab.click(f"{FIRST} thead th:nth-child(4) button")
    tab.ask("document.querySelector('.tools details').open = true")
    time.sleep(0.2)
    tab.ask("document.querySelectorAll('.tools details input')[1].click()")
    address = tab.ask("location.href")

    tab.open(address, width=1400)

    assert "#at=speed&" in address
    assert [name.split(",")[0] for name in rows(tab)] == ["mlp"]
    assert tab.ask(f"document.querySelector('{FIRST}').rows[0].cells[1].offsetWidth") == 0
    assert tab.ask(f"document.querySelector('{FIRST}').rows[0].cells[3].ariaSort") == "ascending"
    assert tab.ask("document.querySelector('[type=search]').value") == "mlp"
    assert abs(tab.ask("document.querySelector('#speed').getBoundingClientRect().top")) < 900
    assert tab.complaints == []


def test_the_view_stays_when_one_walks_through_the_contents_and_ends_by_a_button(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    choose(tab, "lenet")
    tab.ask("document.querySelector('a[href=\"#speed\"]').click()")
    time.sleep(0.2)
    during = tab.ask("location.hash")
    tab.click(".explore [type=reset]")
    time.sleep(0.2)

    assert during.startswith("#at=speed&")
    assert len(rows(tab)) == 2
    assert "=" not in tab.ask("location.hash")


@pytest.mark.parametrize("address", [
    "#q=%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D'mine'%22%3E", "#only=nobody&hide=no.0:such&up=no.0:column",
    "#at=%22%5D&without=%", "#=", "#down=accuracy.0:n&down=accuracy.0:n&q=",
])  # fmt: skip
def test_an_address_of_any_kind_does_no_harm(tab: Tab, report: str, address: str) -> None:
    tab.open(report + address, width=1400)

    assert tab.ask("document.title") == "Suite: report"
    assert tab.complaints == []
    assert tab.requests == [report]


def test_a_search_leaves_the_rows_with_the_words_and_csv_is_what_is_seen(tab: Tab, report: str, tmp_path: Path) -> None:
    tab.open(report, width=1400)
    tab.save_into(tmp_path)
    type_in(tab, "LENET")
    tab.ask("document.querySelector('.tools details').open = true")
    time.sleep(0.2)
    tab.ask("document.querySelectorAll('.tools details input')[2].click()")
    tab.click("[aria-label^='Save CSV']")
    head, *found = csv.reader(io.StringIO(saved(tmp_path)))

    assert head[:3] == ["experiment", "n", "test accuracy"]
    assert [row[0].split(",")[0] for row in found] == ["lenet"] == [name.split(",")[0] for name in rows(tab)]
    assert len(found[0]) == len(head)


def test_the_svg_of_a_chart_is_what_is_seen_and_needs_no_page(tab: Tab, report: str, tmp_path: Path) -> None:
    tab.open(report, width=1400)
    tab.save_into(tmp_path)
    choose(tab, "mlp")
    tab.click("[aria-label^='Save SVG']")
    text = saved(tmp_path)
    drawn = ElementTree.fromstring(text)
    words = [one.text or "" for one in drawn.iter("{http://www.w3.org/2000/svg}text")]

    assert [word.split(",")[0] for word in words if "lenet" in word or "mlp" in word] == ["lenet"]
    assert any("n 1, seeds 0" in (one.text or "") for one in drawn.iter("{http://www.w3.org/2000/svg}title"))
    assert all(colour not in text for colour in ("oklch", "var("))
    assert drawn.get("width") == "440"


def test_each_recipe_and_run_has_its_command_to_copy(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    tab.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    again = tab.ask("[...document.querySelectorAll('[data-again]')].map(one => one.dataset.again)")
    tab.click(f"{FIRST} .again button")
    time.sleep(0.3)
    said = tab.ask(f"document.querySelector('{FIRST} .again button').textContent")

    assert "python -m suite run lenet --seeds 1 --set data=digits epochs=1" in again
    assert sum(one.startswith("python -m suite verify ") for one in again) == 2
    assert said in ("Copied", again[0])


def test_without_javascript_every_number_is_there(tab: Tab, report: str) -> None:
    tab.open(report, width=1400)
    cells = seen(tab, "td:not(.again)")
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(report, width=1400)

        assert seen(tab, ".explore, .tools") == 0
        assert seen(tab, "td") == cells
        assert tab.ask("document.querySelector('svg.rows circle title').textContent").count("0.") >= 3
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize(
    ("width", "dark"),
    [(390, False), (1400, True), *(pytest.param(*one, marks=FULL) for one in ((390, True), (1400, False)))],
)
def test_axe_finds_nothing_serious(tab: Tab, report: str, axe: str, width: int, dark: bool) -> None:
    tab.open(report, width=width, dark=dark)
    found, passed = serious(tab, axe)

    assert found == []
    assert passed > 20
