"""Two finished runs, and headless Chromium to open the pages about them."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.devtools import Tab
from tests.conftest import Workspace, fill

AXE = "axe-core@4"


@dataclass(frozen=True)
class Browser:
    """Chromium, and a folder for the profiles of its tabs."""

    command: str
    profiles: Path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    command = shutil.which("chromium")
    if command is None:
        pytest.skip("chromium is not installed")
    return Browser(command, tmp_path_factory.mktemp("profiles"))


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home with one finished run of mlp, one of lenet, and a study of mlp."""
    return Workspace(fill(tmp_path_factory.mktemp("home"), "mlp-and-lenet", _train))


def _train(home: Path) -> None:
    workspace, words = Workspace(home), ("--data", "digits", "--epochs", "1", "--seeds", "1")
    answer = workspace.suite("run", "mlp", "lenet", *words, "--no-report")
    assert answer.code == 0, answer.err
    # With such low rates no trial wins. A winner would be trained as a third experiment in the report.
    space = ("--space", "lr=1e-6..1e-5", "batch_size=256,512", "--no-pruning")
    answer = workspace.suite("tune", "mlp", *words, "--trials", "4", "--fresh-seeds", "3", *space)
    assert answer.code == 0, answer.err


@pytest.fixture(scope="session")
def report(filled: Workspace) -> str:
    """The address of that home's page."""
    return (filled.home / "reports" / "report.html").as_uri()


@pytest.fixture(scope="module")
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """A tab for a module's tests, with a profile of its own."""
    tab = Tab(browser.command, browser.profiles / request.module.__name__)
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of axe-core, which looks for what keeps people from reading a page."""
    folder = tmp_path_factory.mktemp("axe")
    try:
        done = subprocess.run(["npm", "pack", "--ignore-scripts", AXE], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no npm")
    if done.returncode:
        pytest.skip(f"npm has no {AXE}: {done.stderr[-200:]}")
    with tarfile.open(next(folder.glob("axe-core-*.tgz"))) as package:
        file = package.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


def serious(tab: Tab, axe: str) -> tuple[list[tuple[str, ...]], int]:
    """What axe finds on a page that keeps people from reading it, with every part opened; and how many rules pass."""
    tab.ask("document.querySelectorAll('details').forEach(one => { one.open = true; }); 0")
    tab.ask(f"{axe}; 0")
    answer: dict[str, Any] = tab.call(
        "Runtime.evaluate", expression="axe.run(document, {resultTypes: ['violations']})", awaitPromise=True,
        returnByValue=True,
    )["result"]["value"]  # fmt: skip
    found = [
        (one["id"], one["impact"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"][:300])
        for one in answer["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    return found, len(answer["passes"])
