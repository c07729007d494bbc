"""The page about many classes and a study: what one can point at, the tables behind, names, commands, and paper."""

import time
from pathlib import Path

import numpy as np
import pytest

from tests.browser import large
from tests.browser.conftest import serious
from tests.browser.devtools import Tab

pytestmark = pytest.mark.browser
TIP = "document.querySelector('.tip').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return large.write(tmp_path_factory.mktemp("large")).as_uri()


def at_cell(tab: Tab, row: int, column: int, classes: int) -> str:
    """The words of the first large matrix where the mouse is in the middle of a cell."""
    found = "const box = one.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]"
    seen = f"one.scrollIntoView({{block: 'center'}}); {found}"
    x, y, wide, high = tab.ask(f"(one => {{ {seen} }})(document.querySelector('svg.grid image'))")
    place = {"x": x + (column + 0.5) * wide / classes, "y": y + (row + 0.5) * high / classes}
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", **place)
    return str(tab.ask(TIP))


def test_a_cell_of_a_large_matrix_says_names_and_value(tab: Tab, page: str) -> None:
    tab.open(page, width=1400, height=1200)
    counts = large.counts(40)
    [far] = np.flatnonzero(counts[9])[-1:]

    diagonal, chinese = at_cell(tab, 30, 30, 40), at_cell(tab, 1, 2, 40)
    nothing, other = at_cell(tab, 20, 2, 40), at_cell(tab, 9, int(far), 40)
    tab.point("h1")

    share = 100 * counts[30, 30] / counts[30].sum()
    assert diagonal == f"kind 30, predicted kind 30: {counts[30, 30]:g} images ({share:.1f} % of the class)"
    assert chinese.startswith(f"狗, predicted 鸟: {counts[1, 2]:g} images")
    assert nothing == "kind 20, predicted 鸟: 0 images"
    assert other.startswith(f"kind 9, predicted kind {far}: {counts[9, far]:g} images")
    assert tab.ask(TIP) == ""
    assert tab.complaints == []


def test_the_arrow_keys_walk_from_cell_to_cell(tab: Tab, page: str) -> None:
    tab.open(page, width=1400)
    tab.ask("document.querySelector('svg.grid').parentElement.focus()")
    tab.press("ArrowRight")
    first = tab.ask(TIP)
    tab.press("ArrowRight")
    second = tab.ask(TIP)
    tab.press("Escape")

    assert first.startswith("猫, predicted 猫: ")
    assert second.startswith("猫, predicted 狗: ")
    assert tab.ask(TIP) == ""


def test_every_chart_has_a_name_and_those_of_matrix_and_fields_have_their_table(tab: Tab, page: str) -> None:
    tab.open(page, width=1400)
    names = tab.ask("[...document.querySelectorAll('svg.chart')].map(one => one.getAttribute('aria-label'))")
    rows = tab.ask(
        "[...document.querySelectorAll('svg.grid, svg.plane, svg.parallel')]"
        ".map(one => one.closest('figure').querySelectorAll('details tbody tr').length)"
    )
    wrong = [int((one - np.diag(np.diag(one)) > 0).sum()) for one in (large.counts(40), large.counts(100))]
    trials = large.study()["trials"]
    told = sum(bool(one["reports"]) for one in trials), sum(one["state"] == "COMPLETE" for one in trials)

    assert all(names)
    assert "forty: confusion on all test images, mean counts of 3 seeds." in names
    assert rows == [*(min(200, count) for count in wrong), *told]


@pytest.mark.parametrize(("kind", "words"), [("plane", "at the first rung"), ("parallel", "n 3")])
def test_a_trial_under_the_mouse_says_its_number_and_values(tab: Tab, page: str, kind: str, words: str) -> None:
    tab.open(page, width=1400)
    tab.point(f"svg.{kind} circle")
    said = str(tab.ask(TIP))
    tab.point("h1")
    [trial] = [one for one in large.study()["trials"] if f"trial {one['number']}, " in said]

    assert f"batch_size={trial['values']['batch_size']} lr={trial['values']['lr']}: " in said
    assert said.endswith(words)
    assert tab.ask(TIP) == ""


def test_a_line_of_the_parallel_coordinates_is_marked_whole_and_met_once_by_the_keys(tab: Tab, page: str) -> None:
    tab.open(page, width=1400)
    tab.ask("document.querySelector('svg.parallel').parentElement.focus()")
    tab.press("ArrowRight")
    met = [tab.ask(TIP)]
    marked = "getComputedStyle(document.querySelector('svg.parallel g:has(circle.on) path')).strokeWidth"
    wide = tab.ask(marked)
    while tab.press("ArrowRight") or tab.ask(TIP) != met[0]:
        met.append(tab.ask(TIP))

    assert wide == "3px"
    assert len(met) == len({*met}) == sum(one["state"] == "COMPLETE" for one in large.study()["trials"])


def test_each_trial_has_the_command_that_trains_its_setting(tab: Tab, page: str) -> None:
    tab.open(page, width=1400)
    again = tab.ask("[...document.querySelectorAll('[data-name=trials] tbody tr')].map(one => one.dataset.again)")
    values = [one["values"] for one in large.study()["trials"]]

    head = "python -m suite run lenet --seeds 3 --set"
    assert again == [f"{head} batch_size={one['batch_size']} data=digits lr={one['lr']}" for one in values]


def test_names_that_a_picture_cannot_write_stand_below_it(tab: Tab, page: str) -> None:
    tab.open(page, width=1400)
    told = tab.ask("[...document.querySelectorAll('figure:has(img) figcaption')].map(one => one.textContent)")

    assert [
        line
        for line in told
        if line.endswith("Names in the picture: class 0: 猫; class 1: 狗; class 2: 鸟; class 3: 鱼.")
    ]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_on_paper_the_tables_behind_the_charts_are_open(tab: Tab, page: str, scripts: bool) -> None:
    def height() -> float:
        shown = "one.checkVisibility({contentVisibilityAuto: true}) ? one.getBoundingClientRect().height : 0"
        return float(tab.ask(f"(one => {shown})(document.querySelector('figure:has(svg.plane) details table'))"))

    tab.call("Emulation.setScriptExecutionDisabled", value=not scripts)
    try:
        tab.open(page, width=1400)
        on_screen = height()
        tab.call("Emulation.setEmulatedMedia", media="print")
        deadline = time.monotonic() + 20
        while not (on_paper := height()) and time.monotonic() < deadline:  # what was hidden is laid out a little later
            time.sleep(0.05)
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")
        tab.call("Emulation.setScriptExecutionDisabled", value=False)

    assert on_screen == 0
    assert on_paper > 100


@pytest.mark.parametrize("width", [390, 1024, 1920])
def test_no_chart_is_wider_than_its_window(tab: Tab, page: str, width: int) -> None:
    tab.open(page, width=width)
    wide = "[...document.querySelectorAll('svg.chart')].filter(one => one.getBoundingClientRect().right > innerWidth)"

    assert tab.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert tab.ask(f"{wide}.length") == 0
    assert (tab.complaints, tab.requests) == ([], [page])


def test_axe_finds_nothing_serious(tab: Tab, page: str, axe: str) -> None:
    tab.open(page, width=1400)
    found, passed = serious(tab, axe)

    assert found == []
    assert passed > 20


def test_the_page_stays_small(page: str) -> None:
    assert Path(page.removeprefix("file://")).stat().st_size < 500_000
