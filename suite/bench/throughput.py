"""How fast an experiment trains and answers here, and beside the loops that others write."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from suite.analysis.ratios import Ratio, ratio
from suite.bench.session import Seen, Session, measure
from suite.bench.sides import Side, Workload

SUITE, AGAIN, BARE, CORES = "suite", "suite again", "bare loop", "suite, a run per core"
TUTORIAL, LIGHTNING, EVALUATION, SINGLE = "tutorial loop", "Lightning", "evaluation", "single images"


def sides(cores: int) -> tuple[Side, ...]:
    """Everything that is measured; Lightning where it is installed."""
    return (
        Side(SUITE, "suite"),
        Side(AGAIN, "suite"),
        Side(BARE, "bare", "one"),
        Side(CORES, "suite", copies=cores),
        Side(TUTORIAL, "tutorial", "all"),
        *([Side(LIGHTNING, "lightning", "all")] if find_spec("lightning") else []),
        Side(EVALUATION, "evaluation"),
        Side(SINGLE, "single"),
    )


@dataclass(frozen=True)
class Throughput:
    """What a session says of an experiment. `session` is kept for those who want more than these figures."""

    title: str
    session: Session

    @property
    def versions(self) -> dict[str, str]:
        """Of the suite and of torch."""
        return self.session[SUITE].versions

    @property
    def images_per_second(self) -> float:
        """Of one run, in training."""
        return _speed(self.session[SUITE])

    @property
    def milliseconds_per_step(self) -> float:
        """Of one run: a batch, and the step that it brings."""
        return 1000 * statistics.median(self.session[SUITE].singles)

    @property
    def evaluated_per_second(self) -> float:
        """Images in evaluation."""
        return _speed(self.session[EVALUATION])

    def latency(self, percent: int) -> float:
        """Milliseconds from one image's bytes to its class that so many percent of the images do not exceed."""
        return 1000 * statistics.quantiles(self.session[SINGLE].singles, n=100)[percent - 1]

    @property
    def peak_mib(self) -> float:
        """The most memory that a training process has held."""
        return self.session[SUITE].peak

    @property
    def start_seconds(self) -> float:
        """From a forked process to the end of its first step."""
        return statistics.median(self.session[SUITE].starts)

    @property
    def floor(self) -> Ratio:
        """What the suite's own loop differs from itself by, in two processes: no smaller effect can be believed."""
        return self._slower(AGAIN, SUITE)

    @property
    def speedups(self) -> dict[str, Ratio]:
        """How many times as fast: one run beside a bare loop on one core, and a full machine beside one run or loop."""
        named = {BARE: SUITE, TUTORIAL: CORES, LIGHTNING: CORES, SUITE: CORES}
        return {other: self._slower(other, mine) for other, mine in named.items() if other in self.session}

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "experiment": self.title,
            "images_per_second": self.images_per_second,
            "milliseconds_per_step": self.milliseconds_per_step,
            "evaluated_per_second": self.evaluated_per_second,
            "latency_p50_ms": self.latency(50),
            "latency_p99_ms": self.latency(99),
            "peak_mib": self.peak_mib,
            "start_seconds": self.start_seconds,
            "times_as_fast_as": {name: one.facts() for name, one in self.speedups.items()},
            "same_against_itself": self.floor.facts(),
            "smallest_effect": self.floor.smallest_effect,
        }

    def _slower(self, one: str, other: str) -> Ratio:
        return ratio(self.session[one].times, self.session[other].times)


def throughput(title: str, job: Workload, *, cores: int, seconds: float, tell: Callable[[str], None]) -> Throughput:
    """Measure an experiment for about so many seconds."""
    return Throughput(title, measure(job, sides(cores), seconds, tell))


def _speed(seen: Seen) -> float:
    return 1 / statistics.median(time for row in seen.rows for time in row)
