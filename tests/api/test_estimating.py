"""`run --dry` and `--at-most`: what runs would cost, known before any is trained."""

from pathlib import Path

import pytest

from suite.api.estimating import Cost, Estimate
from suite.errors import SuiteError
from tests.api.test_guiding import TEXT
from tests.conftest import Command, assert_refused

COSTS = [Cost("a", 3, 0, 600.0, 500.0, "a trial"), Cost("b", 1, 2, 60.0, 900.0, "2 finished runs"),
         Cost("c", 0, 3, 9_000.0, 5_000.0, "3 finished runs")]  # fmt: skip


def test_time_is_shared_by_the_workers_and_memory_is_that_of_the_largest_together():
    assert (Estimate(COSTS, 1).seconds, Estimate(COSTS, 1).memory_mib) == (1_860, 900)
    assert (Estimate(COSTS, 2).seconds, Estimate(COSTS, 2).memory_mib) == (930, 1_400)
    assert Estimate(COSTS, 8).seconds == 600  # one run is never faster
    assert (Estimate(COSTS[2:], 2).seconds, Estimate(COSTS[2:], 2).memory_mib) == (0, 0)


def test_what_takes_longer_than_allowed_is_refused():
    Estimate(COSTS, 1).require(1_860)
    with pytest.raises(SuiteError, match=r"4 runs to train: about 31.0 minutes with 1 worker.*--at-most is 30.0 min"):
        Estimate(COSTS, 1).require(1_800)


@pytest.mark.commands
def test_a_dry_run_goes_by_finished_runs_or_by_a_trial_and_trains_nothing(workspace, in_process: Command):
    own = Path(workspace.extra["SUITE_EXPERIMENTS"])
    for name, rate in (("brisk", 0.1), ("calm", 0.01)):
        (own / f"{name}.py").write_text(TEXT.format(rate=rate))
    (own / "stuck.py").write_text(TEXT.format(rate=0.1).replace("nn.Linear(784, 10)", "nn.Linear(7, 10)"))
    assert in_process("run", "brisk", "--seeds", "1", "--no-report").code == 0
    before = workspace.results()
    [clock] = [one["clock"] for one in before.values()]

    found = in_process("run", "brisk", "calm", "--dry", "--json").json

    known, tried = found["costs"]
    assert (known["todo"], known["done"], known["by"]) == (2, 1, "1 finished run")
    assert known["seconds"] == clock["perf/train_seconds"] + clock["perf/evaluation_seconds"]
    assert (tried["todo"], tried["done"], tried["by"]) == (3, 0, "a trial")
    assert 0 < tried["seconds"] < 600
    answer = in_process("run", "brisk", "--at-most", "0.001s")
    assert_refused(answer, 2, "2 runs to train: about 1 s", "--at-most is 1 s")
    assert_refused(in_process("run", "stuck", "--dry"), 2, "stuck cannot be trained")
    assert workspace.results() == before
