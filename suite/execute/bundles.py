"""Which jobs go to which machine: a place for each processor core, and short jobs together in bundles."""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

GOAL = 120.0  # seconds of work in a bundle: some minutes on a busy machine, and little next to what a loss repeats
OPEN = 400  # jobs that are away at once, at most, if nothing else is known: each may hold a file open here
SHARES = 2  # bundles for each place that are still to come: the last ones are small, so that all places end together


class Node(NamedTuple):
    """A machine of a cluster: its identifier, its name for people, and how many jobs it does at once."""

    key: str
    name: str
    places: int


@dataclass
class Bundles:
    """The jobs that still wait, and where the others have gone.

    `seconds` is how long a job will take, or None; `apart` the job whose machine this one must avoid, or None.
    """

    waiting: deque[tuple[float, int]]  # when it may be given away, in the seconds of `time.monotonic`
    seconds: Callable[[int], float | None]
    apart: Callable[[int], int | None]
    most: int | None = None  # jobs at once on all machines together
    open: int = OPEN  # jobs that are away at once, those included that wait in a bundle
    where: dict[int, str] = field(default_factory=dict)
    busy: Counter[str] = field(default_factory=Counter)

    def next(self, nodes: list[Node], now: float) -> tuple[Node, list[int]] | None:
        """The next machine with a free place, and jobs for it; None if there is no such pair."""
        places = sum(node.places for node in nodes)
        if self.busy.total() >= min(self.most or self.open, self.open):
            return None
        free = [node for node in nodes if node.places > self.busy[node.key]]
        for node in sorted(free, key=lambda one: self.busy[one.key] / one.places):
            if jobs := self._take(node, now, min(places, self.most or places)):
                self.busy[node.key] += 1
                self.where |= dict.fromkeys(jobs, node.key)
                return node, jobs
        return None

    def ended(self, node: str) -> None:
        """Note that a bundle has ended there."""
        self.busy[node] -= 1

    def again(self, index: int, at: float, *, first: bool) -> None:
        """Let a job wait once more, until the time `at`: as the `first` one, or behind all others."""
        (self.waiting.appendleft if first else self.waiting.append)((at, index))

    def stranded(self, nodes: list[Node]) -> list[int]:
        """Take off the waiting jobs that no machine may do, because each is the one that they must avoid."""
        lone = [index for _, index in self.waiting if not any(self._may(index, node) for node in nodes)]
        ready = [index for index in lone if self.where.get(self.apart(index) or 0)]
        self.waiting = deque(one for one in self.waiting if one[1] not in ready)
        return ready

    def _may(self, index: int, node: Node) -> bool:
        other = self.apart(index)
        return other is None or self.where.get(other) not in (None, node.key)

    def _take(self, node: Node, now: float, places: int) -> list[int]:
        """Jobs for one place of this machine: one of unknown length, or several that take `GOAL` seconds together."""
        most = max(1, min(math.ceil(len(self.waiting) / (SHARES * places)), self.open // places))
        taken: list[int] = []
        length = 0.0
        for one in list(self.waiting):
            at, index = one
            if at > now or not self._may(index, node):
                continue
            seconds = self.seconds(index)
            if taken and (seconds is None or length + seconds > GOAL or len(taken) >= most):
                break
            self.waiting.remove(one)
            taken.append(index)
            length += seconds or GOAL
        return taken
