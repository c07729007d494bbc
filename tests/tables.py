"""What is printed at the end of a session: what the tests measured, and how often each promise held.

The tests run in several processes: each sends what it has to the one that prints.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

SEED = os.environ.get("SUITE_SEED", "17")


@dataclass
class Check:
    """One promise under test: how often it was put to it, and how often it held."""

    number: int
    title: str
    full: bool
    cases: int = 0
    passed: int = 0
    remarks: list[str] = field(default_factory=list)

    def times(self, full: int, short: int = 10) -> int:
        """How many cases to try: as many as were promised under `-m promise`, else `short`."""
        return full if self.full else short

    @contextmanager
    def case(self, n: int = 1) -> Iterator[None]:
        """The body is `n` cases: passed when it ends without an error."""
        self.cases += n
        yield
        self.passed += n


class Tables:
    """The plugin that keeps both, sends them from worker to controller and prints them there."""

    def __init__(self) -> None:
        self.figures: list[str] = []
        self.checks: dict[int, Check] = {}

    def check(self, number: int, title: str, *, full: bool) -> Check:
        """The check of a number; tests of one number add up."""
        return self.checks.setdefault(number, Check(number, title, full))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a worker: hand over what it has."""
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["figures"] = self.figures
            output["checks"] = [asdict(check) for check in self.checks.values()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """In the controller: add what a worker had."""
        output = getattr(node, "workeroutput", {})
        self.figures += output.get("figures", [])
        for facts in output.get("checks", []):
            ours = self.check(facts["number"], facts["title"], full=facts["full"])
            ours.cases += facts["cases"]
            ours.passed += facts["passed"]
            ours.remarks += facts["remarks"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print them."""
        if self.figures:
            terminalreporter.section("figures")
            for line in self.figures:
                terminalreporter.write_line(line)
        if self.checks:
            terminalreporter.section(f"promises, SUITE_SEED={SEED}")
            terminalreporter.write_line(f"{'check':>5}  {'N':>5}  {'passed':>6}")
            for check in sorted(self.checks.values(), key=lambda check: check.number):
                remarks = "".join(f"; {remark}" for remark in check.remarks)
                terminalreporter.write_line(
                    f"{check.number:>5}  {check.cases:>5}  {check.passed:>6}  {check.title}{remarks}"
                )
