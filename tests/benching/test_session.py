"""A session's bookkeeping with processes made up for the purpose, and what a real one has waited for a core."""

import itertools
import multiprocessing
import os
import random
import time
from collections import Counter

import pytest

from suite.benching import probe
from suite.benching.session import ROUNDS, _order, session
from suite.benching.sides import HERE, Side, Workload, probes

ELAPSED, WAITED, IMAGES = 0.3, 0.1, 10
ONE, OTHER = Side("one", "suite"), Side("other", "bare", "one")


class Scripted:
    """A process that takes the same time for every block, of which it waited a third for a core."""

    loaded = False

    def __init__(self, counts_waiting: bool) -> None:
        self._facts = {"suite": "1", "torch": "2"} | ({"counts_waiting": True} if counts_waiting else {})

    def facts(self):
        self.loaded = True
        return self._facts

    def tell(self, **_line):
        assert self.loaded  # or its first line would be taken for the answer

    def hear(self):
        return {"seconds": ELAPSED, "waited": WAITED, "images": IMAGES, "steps": [ELAPSED], "peak_mib": 1.0}


def seconds_an_image(other: Side, *, old: bool = False) -> float:
    """What a session of `ONE` and another side noted; `old`: the other revision does not count its waiting."""
    processes = {ONE.name: [Scripted(True)], other.name: [Scripted(not old) for _ in range(other.copies)]}
    found = session((ONE, other), processes, 0.1, str)
    assert len(found[ONE.name].rows) == ROUNDS
    [seconds] = {time for row in found[ONE.name].rows for time in row}
    return seconds


def test_what_a_thread_waited_for_a_core_is_not_its_own():
    assert seconds_an_image(OTHER) == pytest.approx((ELAPSED - WAITED) / IMAGES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "old"),
    [(Side("other", "tutorial", "all"), False), (Side("other", "suite", copies=2), False), (OTHER, True)],
)
def test_where_waiting_cannot_be_told_for_every_side_it_counts_for_all(other, old):
    assert seconds_an_image(other, old=old) == pytest.approx(ELAPSED / IMAGES)


def test_a_side_with_a_job_of_its_own_does_that_one_and_finds_its_modules(tmp_path):
    script = tmp_path / "python"
    script.write_text("""#!/bin/sh\nprintf '{"protocol": 1, "paths": "%s", "job": %s}\\n' "$PYTHONPATH" "$3"\n""")
    script.chmod(0o755)
    own = Workload("own", tmp_path, folders=(tmp_path / "then",), modules=(tmp_path / "src",))
    sides = Side("now", "suite", python=str(script)), Side("then", "suite", python=str(script), job=own)

    with probes(sides, Workload("mlp", tmp_path)) as started:
        now, then = (started[side.name][0].facts() for side in sides)

    assert (now["job"]["experiment"], now["job"]["folders"], now["paths"]) == ("mlp", [], str(HERE))
    assert (then["job"]["experiment"], then["job"]["folders"]) == ("own", [str(tmp_path / "then")])
    assert then["paths"] == f"{HERE}{os.pathsep}{tmp_path / 'src'}"


def test_what_was_waited_is_read_within_the_time_that_it_is_taken_off(monkeypatch):
    """However long a process is held up between the two readings, no block comes to less than nothing."""
    now = itertools.count()  # each reading of either is a second later, and all of it was waiting
    monkeypatch.setattr(probe.time, "perf_counter", lambda: float(next(now)))
    monkeypatch.setattr(probe, "_seconds_waited", lambda: float(next(now)))
    said, commands = [], iter([{"steps": 2}, {"steps": 1}, {"steps": 1}])
    monkeypatch.setattr(probe, "_say", said.append)
    monkeypatch.setattr(probe, "_hear", lambda: next(commands))

    meter = probe._Meter()
    for _ in range(1 + 2 + 1):
        meter(IMAGES)

    assert [answer["images"] for answer in said] == [IMAGES, 2 * IMAGES, IMAGES]
    assert all(0 <= answer["waited"] <= answer["seconds"] for answer in said)


@pytest.mark.parametrize("names", ["ab", "abc", "abcdefgh"])
def test_no_side_works_twice_in_a_row_and_each_works_once_a_cycle(names):
    order = sides = tuple(Side(name, "suite") for name in names)
    chance, turns = random.Random(0), [sides[-1]]
    for _ in range(3_000):
        order = _order(order, chance)
        assert len(set(order)) == len(sides)
        turns += order
    pairs = Counter(itertools.pairwise(turns))

    expected = 3_000 / (len(sides) - 1)
    assert all(
        pairs[one, other] == pytest.approx(expected, rel=0.2) for one in sides for other in sides if one != other
    )


@pytest.mark.slow
@pytest.mark.skipif(not probe.WAITING.exists(), reason="this system does not count a thread's waiting")
def test_beside_a_busy_process_on_the_same_core_work_and_waiting_make_up_the_time_that_passed():
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    neighbour = multiprocessing.get_context("fork").Process(target=_spin, daemon=True)
    try:
        neighbour.start()
        begun, waited, worked = time.perf_counter(), probe._seconds_waited(), time.thread_time()
        while time.thread_time() - worked < 0.5:
            pass
        passed, waited = time.perf_counter() - begun, probe._seconds_waited() - waited
    finally:
        neighbour.kill()
        neighbour.join()
        os.sched_setaffinity(0, cores)

    assert waited > 0.1
    assert passed == pytest.approx(0.5 + waited, rel=0.1)


def _spin() -> None:
    while True:
        pass
