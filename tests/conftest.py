"""What tests of several rooms share."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

FIGURES = pytest.StashKey[list[str]]()

# A script's background ignores Ctrl-C, and every command that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it likewise


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Workspace:
    """A SUITE_HOME of its own, and the commands given in it."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the workspace's own names and none of the user's."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("SUITE_", "MLFLOW_"))}
        return {**ours, "SUITE_HOME": str(self.home), "PYTHONPATH": str(ROOT), **self.extra}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Give a command and go on."""
        command = [sys.executable, "-m", "suite", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.home, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def suite(self, *words: str) -> Answer:
        """Give a command and wait for its end."""
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        return Answer(process.returncode, out, err)

    def results(self) -> dict[str, dict[str, Any]]:
        """The results in the run folders, by run folder's name."""
        found = self.home.glob("mlruns/runs/*/*/result.json")
        return {f"{path.parent.parent.name}/{path.parent.name}": json.loads(path.read_text()) for path in found}


SLOW = '''"""A linear layer that takes its time, so that a test can act while it trains."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=6)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import time

    from torch import nn

    class Slow(nn.Linear):
        def forward(self, pixels):
            time.sleep(0.01)
            return super().forward(pixels)

    return nn.Sequential(nn.Flatten(), Slow(784, 10))
'''


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty home beside a folder of experiments named by SUITE_EXPERIMENTS, which holds `slow`."""
    home, experiments = tmp_path / "home", tmp_path / "own"
    home.mkdir()
    experiments.mkdir()
    (experiments / "slow.py").write_text(SLOW)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(experiments)})


def assert_refused(answer: Answer, code: int, *words: str) -> None:
    """One line on stderr that holds all of `words`, nothing on stdout, no traceback, the exit code."""
    assert (answer.code, answer.out) == (code, ""), answer
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("suite: ")
    for word in words:
        assert word in answer.err, (word, answer.err)


LATER = ("mlflow", "packages", "studies", "commands", "promise", "benchmark", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lint and types first, then what is fast, then what takes real runs, benchmarks and the browser."""

    def rank(item: pytest.Item) -> int:
        if item.path.name == "test_style.py":
            return -1
        return max((LATER.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in LATER), default=0)

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With SUITE_NO_SKIPS a test may not be skipped because something "is not installed": there, all of it can be."""
    report = yield
    if report.skipped and os.environ.get("SUITE_NO_SKIPS") and "is not installed" in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A line for the end of the session, with what a test has measured."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the tests measured."""
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)
