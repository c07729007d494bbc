"""Two finished runs, and headless Chromium to open the pages about them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.devtools import Tab
from tests.conftest import Workspace


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
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    answer = workspace.suite("run", "mlp", "lenet", "--data", "digits", "--epochs", "1", "--seeds", "1", "--no-report")
    assert answer.code == 0, answer.err
    words = ("--data", "digits", "--epochs", "1", "--trials", "4", "--seeds", "1", "--fresh-seeds", "3")
    # With such low rates no trial wins. A winner would be trained as a third experiment in the report.
    space = ("--space", "lr=1e-6..1e-5", "batch_size=256,512", "--no-pruning")
    answer = workspace.suite("tune", "mlp", *words, *space)
    assert answer.code == 0, answer.err
    return workspace


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
