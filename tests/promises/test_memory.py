"""A run that gets no more memory stops with a message. Later it continues from its checkpoint."""

import resource
from contextlib import suppress
from pathlib import Path

import pytest

from suite.errors import MACHINE
from suite.runs import worker
from suite.runs.events import EpochEnded
from tests.promises.conftest import KINDS, last, told

pytestmark = pytest.mark.promise


def starved(job, emit):
    """Train as the worker does. After the first epoch every request for memory fails, even the smallest."""
    taken = []

    def emit_and_starve(event) -> None:
        emit(event)
        if isinstance(event, EpochEnded):
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))
            for size in (2**20, 2**14, 2**10):
                with suppress(MemoryError):
                    while True:
                        taken.append(bytes(size))

    worker.work(job, emit_and_starve)


@pytest.mark.check(11, "disk full at each write")
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_memory_stops_and_goes_on_later(bench, twins, kind, check):
    run = bench.run(kind, bench.top)
    job = bench.job(run)

    [without] = bench.work([job], by=starved)
    assert last(without, "failed") is not None, without
    [later] = bench.work([job])

    with check.case():
        failed = last(without, "failed")
        assert failed["code"] == MACHINE, failed
        assert "no memory left" in failed["reason"]
        assert sum(event["event"] == "epoch" for event in without) >= 1
        assert sum(event["event"] == "epoch" for event in [*without, *later]) == len(run.history())
        assert told(run) == twins[kind]
        assert last(later, "ended")["exit"] == 0
