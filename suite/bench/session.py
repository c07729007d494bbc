"""A session: all sides measured in turn, block by block, in rounds of new processes."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.analysis.ratios import Times
from suite.bench.sides import Probe, Side, Workload, probes

ROUNDS = 6
BLOCK = 0.1  # seconds a side works before it is the next one's turn: shorter than what disturbs a shared machine
FEWEST_CYCLES = 2


@dataclass
class Seen:
    """What a session saw of one side: seconds per image (rounds, cycles), of all its copies together.

    `starts` are the seconds from the beginning of a round to the end of its first step, `singles` those of single
    steps, `peak` is in MiB and of one process.
    """

    facts: dict[str, Any]
    rows: list[list[float]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    singles: list[float] = field(default_factory=list)
    peak: float = 0.0

    @property
    def versions(self) -> dict[str, str]:
        """Of the suite and of torch."""
        return {name: self.facts[name] for name in ("suite", "torch")}

    @property
    def times(self) -> Times:
        return np.array(self.rows)


Session = dict[str, Seen]


def measure(job: Workload, sides: tuple[Side, ...], seconds: float, tell: Callable[[str], None]) -> Session:
    """Measure for about so many seconds, loading not counted; `tell` gets a word on how far it is."""
    with probes(sides, job) as processes:
        return session(sides, processes, seconds, tell)


def session(
    sides: tuple[Side, ...], processes: Mapping[str, list[Probe]], seconds: float, tell: Callable[[str], None]
) -> Session:
    """A session by processes that have loaded, or soon will have; others may follow by the same ones.

    Each cycle has an order of its own by chance, the same in every session, in which no side follows itself: it would
    find the caches as it left them, and be a few percent faster for that alone.
    Where every side is one thread, the time in which it was ready and another program had its core is not its own and
    is taken off; where one has more threads nothing is, for theirs cannot be told apart from waiting for each other.
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
    """The next cycle's order; its first side is not the one that was last in the cycle before."""
    first = chance.choice(before[:-1])
    others = [side for side in before if side is not first]
    return first, *chance.sample(others, len(others))


def _begin(group: list[Probe]) -> float:
    """Start a round; returns the seconds until the last copy's first step was done."""
    begun = time.perf_counter()
    _ask(group, round=True)
    return time.perf_counter() - begun


def _calibrate(group: list[Probe]) -> int:
    """How many steps make a block."""
    steps = 1
    while True:
        seconds: float = max(answer["seconds"] for answer in _ask(group, steps=steps))
        if seconds >= BLOCK / 2:
            return max(1, round(steps * BLOCK / seconds))
        steps = 2 * steps


def _cycle(processes: Mapping[str, list[Probe]], steps: dict[str, int]) -> float:
    """One block of each side, whose times do not count: memory and caches are as they will be. Returns its seconds."""
    begun = time.perf_counter()
    for name, group in processes.items():
        _ask(group, steps=steps[name])
    return time.perf_counter() - begun


def _ask(group: list[Probe], **command: Any) -> list[dict[str, Any]]:
    """Give all copies of a side a command at once, and wait for their answers."""
    for probe in group:
        probe.tell(**command)
    return [probe.hear() for probe in group]


def _note(seen: Seen, answers: list[dict[str, Any]], undisturbed: bool) -> None:
    """The copies worked at the same time: the slowest one's seconds are those of all their images."""
    images = sum(answer["images"] for answer in answers)
    seconds = max(answer["seconds"] - (answer["waited"] if undisturbed else 0.0) for answer in answers)
    seen.rows[-1].append(seconds / images)
    seen.singles += answers[0]["steps"]
    seen.peak = max(seen.peak, *(answer["peak_mib"] for answer in answers))
