"""A measuring session: all sides run alternately, in short blocks, in rounds of new processes."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.analysis.ratios import Times
from suite.benching.sides import Probe, Side, Workload, probes

ROUNDS = 6
BLOCK = 0.1  # seconds per turn of a side: shorter than the usual disturbances on a shared machine
FEWEST_CYCLES = 2


@dataclass
class Seen:
    """A session's measurements of one side: `rows` are seconds per image (rounds, cycles), for all copies together.

    `starts` are the seconds from the start of a round to the end of its first step. `singles` are the seconds of single
    steps. `peak` is the peak memory of one process in MiB.
    """

    facts: dict[str, Any]
    rows: list[list[float]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    singles: list[float] = field(default_factory=list)
    peak: float = 0.0

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the suite and of torch."""
        return {name: self.facts[name] for name in ("suite", "torch")}

    @property
    def times(self) -> Times:
        return np.array(self.rows)


Session = dict[str, Seen]


def measure(job: Workload, sides: tuple[Side, ...], seconds: float, tell: Callable[[str], None]) -> Session:
    """Measure for about `seconds`, not counting the loading; `tell` gets a line after each round."""
    with probes(sides, job) as processes:
        return session(sides, processes, seconds, tell)


def session(
    sides: tuple[Side, ...], processes: Mapping[str, list[Probe]], seconds: float, tell: Callable[[str], None]
) -> Session:
    """The measurements of one session; the same processes can serve several sessions, one after the other.

    The order of the sides is random in each cycle, but the same in every session. No side runs twice in succession:
    its data would still be in the caches, which alone makes it a few percent faster.
    If every side is single-threaded, time spent waiting for a busy core is subtracted. Otherwise nothing is
    subtracted, because threads also wait for each other and the two kinds of waiting cannot be separated.
    """
    loaded = {name: [probe.facts() for probe in group] for name, group in processes.items()}
    found = {name: Seen(facts[0]) for name, facts in loaded.items()}
    undisturbed = all(side.single and found[side.name].facts.get("counts_waiting") for side in sides)
    steps: dict[str, int] = {}
    cycles, chance = FEWEST_CYCLES, random.Random(0)
    for number in range(ROUNDS):
        for side in sides:
            found[side.name].starts.append(_begin(processes[side.name]))
            found[side.name].rows.append([])
        if not number:
            steps = {name: _calibrate(group) for name, group in processes.items()}
        warming = _cycle(processes, steps)
        if not number:
            cycles = max(FEWEST_CYCLES, int(seconds / ROUNDS / warming) - 1)
        order = sides
        for _ in range(cycles):
            order = _order(order, chance)
            for side in order:
                _note(found[side.name], _ask(processes[side.name], steps=steps[side.name]), undisturbed)
        for group in processes.values():
            _ask(group, close=True)
        tell(f"round {number + 1}/{ROUNDS}")
    return found


def _order(before: tuple[Side, ...], chance: random.Random) -> tuple[Side, ...]:
    """A random order for the next cycle that does not begin with the last side of the previous one."""
    first = chance.choice(before[:-1])
    others = [side for side in before if side is not first]
    return first, *chance.sample(others, len(others))


def _begin(group: list[Probe]) -> float:
    """Start a round and return the seconds until all copies have done their first step."""
    begun = time.perf_counter()
    _ask(group, round=True)
    return time.perf_counter() - begun


def _calibrate(group: list[Probe]) -> int:
    """How many steps take about `BLOCK` seconds."""
    steps = 1
    while True:
        seconds: float = max(answer["seconds"] for answer in _ask(group, steps=steps))
        if seconds >= BLOCK / 2:
            return max(1, round(steps * BLOCK / seconds))
        steps = 2 * steps


def _cycle(processes: Mapping[str, list[Probe]], steps: dict[str, int]) -> float:
    """Run one block of each side as a warm-up and return the seconds that all of them took."""
    begun = time.perf_counter()
    for name, group in processes.items():
        _ask(group, steps=steps[name])
    return time.perf_counter() - begun


def _ask(group: list[Probe], **command: Any) -> list[dict[str, Any]]:
    """Send a command to all copies of a side at the same time, and return their answers."""
    for probe in group:
        probe.tell(**command)
    return [probe.hear() for probe in group]


def _note(seen: Seen, answers: list[dict[str, Any]], undisturbed: bool) -> None:
    """Add a block to the measurements: the copies ran in parallel, so the slowest one's time counts for all images."""
    images = sum(answer["images"] for answer in answers)
    seconds = max(answer["seconds"] - (answer["waited"] if undisturbed else 0.0) for answer in answers)
    seen.rows[-1].append(seconds / images)
    seen.singles += answers[0]["steps"]
    seen.peak = max(seen.peak, *(answer["peak_mib"] for answer in answers))
