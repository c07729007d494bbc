"""A question to a process of its own: its answer, its error, its death."""

import os

import pytest

from suite.errors import SuiteError
from suite.runs.asking import ask
from suite.runs.worker import local_processes

pytestmark = pytest.mark.commands


def doubled(number):
    print("nothing of this may reach stdout")
    return 2 * number


def refused(_job):
    raise SuiteError("there is no such thing.", "Look again.", code=3)


def broken(_job):
    raise ValueError("seven")


def dead(_job):
    os._exit(9)


def test_the_answer_comes_back_and_nothing_is_printed_on_stdout(capfd):
    assert ask(local_processes(1), doubled, 21) == 42
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("compute", "code", "line"),
    [
        (refused, 3, "there is no such thing. Look again."),
        (broken, 1, "ValueError: seven. Its traceback is above."),
        (dead, 1, "the process that computed it died (exit code 9)."),
    ],
)
def test_an_error_and_a_death_are_one_line(compute, code, line):
    with pytest.raises(SuiteError) as raised:
        ask(local_processes(1), compute, None)

    assert (str(raised.value), raised.value.code) == (line, code)
