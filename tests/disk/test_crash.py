"""A process dies at the moment that SUITE_CRASH_AT names, and at no other."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PASSES = """
from suite.disk import crash

crash.at("begin")
for name in ("one", "two", "one"):
    crash.at("write", name)
    print(name, flush=True)
crash.at("end")
"""


def passes(**environment):
    """What a process printed that passed these steps, and how it ended."""
    command = [sys.executable, "-c", PASSES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    return done.stdout.split(), done.returncode


@pytest.mark.parametrize(
    ("at", "printed"),
    [
        ("begin", []),
        ("write@one", []),
        ("write@one#1", []),
        ("write@two", ["one"]),
        ("write@one#2", ["one", "two"]),
        ("end", ["one", "two", "one"]),
    ],
)
def test_it_dies_where_it_is_told_to(at, printed):
    assert passes(SUITE_CRASH_AT=at) == (printed, -signal.SIGKILL)


@pytest.mark.parametrize("at", ["", "write", "one", "write@three", "write@two#2", "write@one#3", "begin#2", "Begin"])
def test_it_lives_where_no_step_has_that_name(at):
    assert passes(SUITE_CRASH_AT=at) == (["one", "two", "one"], 0)


def test_it_lives_where_it_is_told_nothing():
    assert passes() == (["one", "two", "one"], 0)


def test_the_name_is_read_when_the_step_is_passed():
    late = f"import os\nos.environ['SUITE_CRASH_AT'] = 'end'\n{PASSES}"

    done = subprocess.run([sys.executable, "-c", late], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.stdout.split(), done.returncode) == (["one", "two", "one"], -signal.SIGKILL)
