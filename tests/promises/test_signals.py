"""Check 5: Ctrl-C or SIGTERM at a random moment gives one line and an exit code. Later the command can continue."""

import itertools
import os
import random
import signal
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import Workspace
from tests.promises.conftest import Bench, told
from tests.promises.lives import REST, SEEDS
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.test_kills import kinds, telling, unbroken

__all__ = ["kinds", "telling", "unbroken"]
pytestmark = [pytest.mark.promise, pytest.mark.timeout(900)]

IN_A_HOME = (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGINT, signal.SIGTERM)  # in one home
HANGS = 30  # seconds: on a busy machine it takes some time to end
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def end(process: "subprocess.Popen[str]", number: signal.Signals, *, everyone: bool) -> None:
    """Send a signal: as Ctrl-C of a terminal to every process of the command, or as `kill` to the first one only."""
    try:
        os.killpg(process.pid, number) if everyone else os.kill(process.pid, number)
    except ProcessLookupError:
        assert process.poll() is not None


def ended_after(
    workspace: Workspace, kinds: tuple[str, ...], seconds: float, number: signal.Signals, chance: random.Random
) -> float | None:
    """Run the command, wait `seconds` after its line "to train", and end it. Returns how many seconds the end took.

    Returns None if the command had ended before. In half of the cases Ctrl-C is sent a second time during the end.
    """
    process = workspace.start("run", *kinds, *REST)
    everyone, again = number == signal.SIGINT or chance.random() < 0.5, chance.random() < 0.5
    assert process.stdout is not None
    assert "to train" in process.stdout.readline()
    time.sleep(seconds)
    if process.poll() is not None:
        return None
    begun = time.monotonic()
    end(process, number, everyone=everyone)
    if again and number == signal.SIGINT:
        time.sleep(chance.uniform(0, 0.5))
        end(process, number, everyone=True)
    try:
        process.wait(timeout=HANGS)
        took = time.monotonic() - begun
        out, err = process.communicate(timeout=HANGS)  # until its last process has closed the pipes
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == CODES[number], (number, again, out, err)
    assert len(err.splitlines()) == 1, (number, again, err)
    assert err.startswith("suite: ")
    assert "Traceback" not in out
    return took


def interrupt_it(
    workspace: Workspace, kinds: tuple[str, ...], numbers: list[signal.Signals], chance: random.Random
) -> list[float]:
    """Interrupt the command several times, then let it finish. Returns how many seconds each end took."""
    took = [ended_after(workspace, kinds, chance.uniform(0, 3), number, chance) for number in numbers]
    answer = workspace.suite("run", *kinds, *REST)
    assert answer.code == 0, answer
    return [seconds for seconds in took if seconds is not None]


@pytest.mark.check(5, "Ctrl-C and SIGTERM")
def test_an_ended_command_says_so_in_one_line_and_goes_on_later(check, chance, bench, telling, kinds, unbroken):
    wanted, took, own = check.times(20, 4), [], Bench(telling, bench.data, bench.top)
    rounds = itertools.count()  # a round may come too late for all of its commands

    with ThreadPoolExecutor(2) as two:
        while len(took) < wanted:
            places = [bench.home(f"home{number}") for number in itertools.islice(rounds, 2)]
            homes = [Workspace(place, {"SUITE_EXPERIMENTS": str(telling)}) for place in places]
            share = min(len(IN_A_HOME), -(-(wanted - len(took)) // 2))
            numbers = [chance.sample(IN_A_HOME, share) for _ in homes]
            done = list(
                two.map(interrupt_it, homes, [kinds] * 2, numbers, [random.Random(chance.random()) for _ in homes])
            )
            for workspace, seconds in zip(homes, done, strict=True):
                with check.case(len(seconds)):
                    runs = [own.run(kind, workspace.home, seed) for kind in kinds for seed in range(SEEDS)]
                    assert {(run.experiment, run.seed): told(run) for run in runs} == unbroken
                    assert_mirror_is_exact(workspace.home)
                took += seconds

    check.remarks.append(f"ended within {statistics.median(took):.1f} s, the slowest {max(took):.1f} s")
