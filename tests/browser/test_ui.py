"""`python -m suite ui`: MLflow's pages with our runs, only on this machine. At the end no process is left."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from suite.tracking.views import COLUMNS, CURVES, FIGURES
from tests.browser.conftest import Browser
from tests.browser.devtools import Tab
from tests.conftest import Workspace

pytestmark = pytest.mark.browser

UP, DOWN = 120, 30  # seconds
LISTENING = "0A"
TEXT = r"document.body.innerText.replace(/\s+/g, ' ')"
HEADS = """[...document.querySelectorAll('.ag-header-cell')].map(one => [one.getBoundingClientRect().x, one.innerText])
    .sort((one, other) => one[0] - other[0]).map(one => one[1].trim()).filter(one => one)"""
ROWS = """[...document.querySelectorAll('.ag-center-cols-container .ag-row')].map(row =>
    Object.fromEntries([...row.querySelectorAll('.ag-cell')]
    .map(cell => [cell.getAttribute('col-id').split('`')[1], cell.innerText.trim()])))"""
AXES = "[...document.querySelectorAll('.parcoords .dimension text.label')].map(one => one.textContent.trim())"
NAMES = "[...document.querySelectorAll('.ag-cell a[href*=runs]')].map(one => one.innerText.trim())"


@dataclass(frozen=True)
class Server:
    """A started `suite ui` and the lines that it printed until it was ready."""

    process: "subprocess.Popen[str]"
    lines: list[str]

    def link(self, words: str) -> str:
        """The address that the UI printed after these words."""
        [found] = [line.removeprefix(words).strip() for line in self.lines if line.startswith(words)]
        return found

    @property
    def port(self) -> int:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", "\n".join(self.lines))
        assert found is not None, self.lines
        return int(found[1])

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal to the process group, as a terminal does. Returns exit code, the rest of stdout, and stderr."""
        os.killpg(self.process.pid, number)
        out, err = self.process.communicate(timeout=DOWN)
        return self.process.returncode, out, err


@contextmanager
def serving(workspace: Workspace, port: int) -> Iterator[Server]:
    """Start the UI and wait until it says that it is ready. End it later if the test did not."""
    process = workspace.start("ui", "--port", str(port))
    try:
        yield Server(process, _read_until_ready(process))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=DOWN)


@pytest.fixture(scope="module")
def server(filled: Workspace) -> Iterator[Server]:
    with serving(filled, _free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Tab]:
    tab = Tab(browser.command, browser.profiles / "ui")
    yield tab
    tab.close()


def test_the_comparison_link_opens_with_the_axes_that_matter(tab: Tab, server: Server) -> None:
    """Test accuracy, learning rate, batch size, and what differs; no axis for a parameter that both runs share."""
    tab.open(server.link("Compare the latest runs:"), width=1900, height=3000)

    axes = _until(tab, AXES, lambda found: "test/accuracy" in found)
    assert sorted(axes) == ["batch_size", "lr", "momentum", "optimizer", "test/accuracy"]
    text = tab.ask(TEXT)
    assert text.index("Comparison (1)") < text.index("Final figures (6)")
    assert "Suite: the latest run of each recipe" in text
    assert re.search(r"\blenet-s0\b", text)
    assert re.search(r"\bmlp-s0\b", text)


@pytest.mark.promise
@pytest.mark.full
def test_another_link_shows_every_parameter_of_the_compared_runs(tab: Tab, server: Server) -> None:
    text = _seen(tab, server.link("The same runs, as a table:"), "Comparing 2 Runs from 1 Experiment", "test/accuracy")

    assert re.search(r"\bmlp\b[^ ]*-s0", text)
    assert re.search(r"\blenet\b[^ ]*-s0", text)
    for word in ("lr", "batch_size", "seed", "experiment", "perf/train_seconds", "perf/train_images_per_second"):
        assert word in text.split()


def test_the_link_to_a_study_lays_its_trials_side_by_side(tab: Tab, server: Server) -> None:
    text = _seen(tab, server.link("The latest study's trials:"), "Comparing 4 Runs from 1 Experiment", "log10_lr")

    assert "Parallel Coordinates Plot" in text
    assert re.search(r"Parameters: .{0,60}\blog10_lr\b.{0,60} Metrics: accuracy\b", text)  # the plot begins with these
    assert re.search(r"\bmlp-t000\b", text)


def test_the_link_to_the_table_opens_in_the_view_for_model_training(tab: Tab, server: Server) -> None:
    """Only this one of MLflow's two views has models and a registry of models. GenAI has judges and prompts."""
    text = _seen(tab, server.link("All runs, as a table:"), "Model registry", "mlp", "lenet")

    assert "Judges" not in text
    assert "Prompts" not in text


@pytest.mark.promise
@pytest.mark.full
def test_without_our_word_for_it_the_other_view_opens(tab: Tab, server: Server) -> None:
    """Checks that the test above can fail. Also shows when MLflow no longer needs the parameter."""
    address = server.link("All runs, as a table:").partition("?")[0]

    assert "Model registry" not in _seen(tab, address, "Judges")


def test_the_link_to_the_charts_shows_the_runs_of_single_seeds(tab: Tab, server: Server) -> None:
    """The runs of single seeds have curves by epoch; their parent runs have none."""
    _seen(tab, server.link("All runs, as charts:"), "Add chart", "Model registry", "train (", "-s0", "2 matching runs")


def test_the_table_has_a_column_for_every_key_figure_and_the_data(tab: Tab, server: Server) -> None:
    tab.open(server.link("All runs, as a table:"), width=2400)

    heads = _until(tab, HEADS, lambda found: "test/accuracy" in found)
    rows = _until(tab, ROWS, lambda found: len(found) == 2)
    named = [name.split("`")[1] for name in COLUMNS]
    wanted = [name for name in named if name != "test/accuracy_sd"]  # these recipes have one seed each
    assert [head for head in heads if head in wanted] == wanted
    assert named == [
        "experiment", "seed", "test/accuracy", "test/accuracy_sd", "seeds/n", "perf/train_seconds",
        "perf/train_images_per_second", "lr", "batch_size", "Dataset",
    ]  # fmt: skip
    assert sorted(row["experiment"] for row in rows) == ["lenet", "mlp"]
    assert all(float(row[name]) > 0 for row in rows for name in ("test/accuracy", "perf/train_seconds", "lr"))
    assert all("digits" in row["Dataset"] for row in rows)
    assert "Suite: recipes and their seeds" in tab.ask(TEXT)


@pytest.mark.promise
@pytest.mark.full
def test_without_our_view_the_table_has_no_figure(tab: Tab, server: Server) -> None:
    """Checks that the test above can fail. Also shows when MLflow displays metrics by itself."""
    tab.open(server.link("All runs, as a table:").replace("viewStateShareKey=suite-table&", ""), width=2400)

    heads = _until(tab, HEADS, lambda found: "Dataset" in found)
    assert not {"test/accuracy", "lr", "seed"} & set(heads)


@pytest.mark.promise
@pytest.mark.full
def test_in_the_table_a_recipe_unfolds_into_its_seeds(tab: Tab, server: Server) -> None:
    tab.open(server.link("All runs, as a table:"), width=2400)
    before = _until(tab, NAMES, lambda found: len(found) == 2)

    tab.ask("[...document.querySelectorAll('.ag-pinned-left-cols-container button')].forEach(one => one.click())")
    after = _until(tab, NAMES, lambda found: len(found) > 2)

    assert sorted(before) == ["lenet", "mlp"]
    assert sorted(after) == ["lenet", "lenet-s0", "mlp", "mlp-s0"]
    assert sorted(row["seed"] for row in tab.ask(ROWS)) == ["-", "-", "0", "0"]


def test_the_charts_begin_with_bars_of_final_figures_and_go_on_with_curves(tab: Tab, server: Server) -> None:
    tab.open(server.link("All runs, as charts:"), width=1900, height=3000)

    bars = _until(tab, _plots("barlayer .points"), lambda found: found == len(FIGURES))
    lines = _until(tab, _plots("scatterlayer .trace"), lambda found: found == len(CURVES))
    text, at = tab.ask(TEXT), 0
    for name in ("Final figures (6)", *FIGURES, "Curves by epoch (5)", *CURVES, "network (", "perf (", "test ("):
        at = text.index(name, at)
    assert (bars, lines) == (6, 5)
    assert {"test/accuracy", "perf/train_seconds", "perf/train_images_per_second"} <= set(FIGURES)
    assert "Suite: every seed, best first" in text
    assert re.search(r"\blenet-s0\b", text)
    assert re.search(r"\bmlp-s0\b", text)


@pytest.mark.promise
@pytest.mark.full
def test_without_our_view_charts_lie_by_the_prefixes_of_names(tab: Tab, server: Server) -> None:
    """Checks that the test above can fail."""
    tab.open(
        server.link("All runs, as charts:").replace("viewStateShareKey=suite-charts&", ""), width=1900, height=3000
    )

    assert "Final figures" not in _until(tab, TEXT, lambda found: "perf (" in found)


@pytest.mark.promise
@pytest.mark.full
def test_a_run_says_its_key_figures_in_a_note_and_leads_to_its_recipe(tab: Tab, server: Server) -> None:
    """Go from the page of a seed to the page of its parent, as a reader does, and check the text there."""
    [run_id, *_] = _compared(server)
    tab.open(_page(server, run_id), width=1500, height=1100)
    seed = _until(tab, TEXT, lambda found: "test images right" in found and "Parent run" in found)
    name = re.search(r"\b(mlp|lenet)-s0\b", seed)

    assert name is not None
    assert re.search(r"0\.\d{4} of 297 test images right", seed)
    assert re.search(r"[\d,]+ images/s in training, [\d.]+ s an epoch, [\d,]+ MiB", seed)
    assert re.search(r"Seed 0, recipe [0-9a-f]{12}, weights [0-9a-f]{12}", seed)
    assert re.search(r"digits \([0-9a-f]+\)", seed)

    link = f"[...document.querySelectorAll('a')].filter(one => one.innerText.trim() === '{name[1]}')"
    _until(tab, f"{link}.map(one => one.click()).length", lambda found: found == 1)
    parent = _until(tab, TEXT, lambda found: "over 1 seed" in found and re.search(f"Child runs {name[0]}", found))

    assert re.search(r"0\.\d{4} of 297 test images right, over 1 seed\.", parent)
    assert "digits (" in parent


@pytest.mark.promise
@pytest.mark.full
def test_a_runs_confusion_matrix_is_shown_as_a_picture(tab: Tab, filled: Workspace, server: Server) -> None:
    [run_id, *_] = _compared(server)
    kept = filled.home / "mlruns" / "artifacts" / run_id / "artifacts"
    tab.open(_page(server, run_id, "/artifacts/confusion.png"), width=1500, height=1100)

    sizes = "[...document.images].map(one => [one.naturalWidth, one.naturalHeight])"
    shown = _until(tab, sizes, lambda found: any(min(size) > 200 for size in found))

    assert _size(kept / "confusion.png") in [tuple(size) for size in shown]
    assert _size(kept / "confusion.png") not in [_size(path) for path in kept.glob("*.png") if path.stem != "confusion"]
    assert {"confusion.png", "curves.png", "network.png", "samples.png"} <= set(tab.ask(TEXT).split())


def test_where_a_server_is_named_its_own_links_are_printed(filled: Workspace, server: Server) -> None:
    address = f"http://127.0.0.1:{server.port}"

    answer = Workspace(filled.home, {"MLFLOW_TRACKING_URI": address}).suite("ui")

    assert answer.code == 0, answer.err
    assert answer.out.splitlines() == [line for line in server.lines if "/#/" in line]
    assert "viewStateShareKey=suite-table" in answer.out


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=(pytest.mark.promise, pytest.mark.full))]
)
def test_every_way_to_end_it_leaves_nothing_behind(filled: Workspace, server: Server, number: signal.Signals) -> None:
    """The ways are `kill` and a closed terminal; promise 21 has Ctrl-C, the taken port and foreign requests.

    `kill` ends the server of the tests above, the browser's pages still open: this is the last test that needs it.
    """
    with nullcontext(server) if number == signal.SIGTERM else serving(filled, _free_port()) as server:
        started = _descendants(server.process.pid)
        ended, out, err = server.end(number)

    assert (ended, out) == (143, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("suite: ")
    assert _listeners(server.port) == []
    assert len(started) >= 2
    assert [pid for pid in started if _alive(pid)] == []


def _read_until_ready(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stdout:  # it ends by itself if MLflow does not start
        lines.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            return lines
    raise AssertionError((lines, process.stderr.read()))


def _seen(tab: Tab, address: str, *words: str) -> str:
    """Open a page as somebody who was never there, and wait until it holds all of `words`; returns its text."""
    tab.ask("location.protocol === 'http:' && (localStorage.clear(), sessionStorage.clear())")
    tab.open(address, width=1500, height=1100)
    page = "document.documentElement.outerHTML"
    return _bare(_until(tab, page, lambda found: all(word in _bare(found) for word in words)))


def _bare(page: str) -> str:
    """The text of a page's HTML, that of its charts too."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)).split())


def _until(tab: Tab, expression: str, wanted: Callable[[Any], bool]) -> Any:
    """Wait until an expression in the page has a wanted value, because pages load in steps; returns the value."""
    deadline = time.monotonic() + UP
    while not wanted(found := tab.ask(expression)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def _plots(layer: str) -> str:
    """JavaScript that counts the charts in which this layer of plotly is not empty."""
    return f"[...document.querySelectorAll('.js-plotly-plot')].filter(one => one.querySelector('.{layer}')).length"


def _compared(server: Server) -> list[str]:
    """MLflow's ids of the runs in the first link."""
    ids = re.search(r"runs=([^&]+)", server.link("The same runs, as a table:"))
    assert ids is not None
    return list(json.loads(unquote(ids[1])))


def _page(server: Server, run_id: str, part: str = "") -> str:
    table = server.link("All runs, as a table:").partition("?")[0]
    return f"{table}/{run_id}{part}?workflowType=machine_learning"


def _size(picture: Path) -> tuple[int, ...]:
    """Width and height of a PNG file, read from its first chunk."""
    return struct.unpack(">II", picture.read_bytes()[16:24])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listeners(port: int) -> list[str]:
    """The IPv4 and IPv6 addresses of sockets that listen on this port."""
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    places = [row[1].split(":") for row in rows if row[3] == LISTENING]
    return [address for address, number in places if int(number, 16) == port]


def _descendants(pid: int) -> list[int]:
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in _descendants(child))]


def _alive(pid: int) -> bool:
    """Whether it still runs. A zombie counts as ended: where process 1 collects no orphans, they stay zombies."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
