"""The speed of training and inference of an experiment on this machine, and compared with other ways to write it."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from suite.analysis.ratios import Ratio, ratio
from suite.benching.session import Seen, Session, measure
from suite.benching.sides import Side, Workload

SUITE, AGAIN, BARE, CORES = "suite", "suite again", "bare loop", "suite, a run per core"
BY_TORCH = "suite by torch"
TUTORIAL, LIGHTNING, EVALUATION, SINGLE = "tutorial loop", "Lightning", "evaluation", "single images"


def sides(cores: int) -> tuple[Side, ...]:
    """All sides that are measured; Lightning only if it is installed."""
    return (
        Side(SUITE, "suite"),
        Side(AGAIN, "suite"),
        Side(BY_TORCH, "suite", by_torch=True),
        Side(BARE, "bare", "one"),
        Side(CORES, "suite", copies=cores),
        Side(TUTORIAL, "tutorial", "all"),
        *([Side(LIGHTNING, "lightning", "all")] if find_spec("lightning") else []),
        Side(EVALUATION, "evaluation"),
        Side(SINGLE, "single"),
    )


@dataclass(frozen=True)
class Throughput:
    """The speed figures of one experiment, computed from a session; `session` has all measurements."""

    title: str
    session: Session

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the suite and of torch."""
        return self.session[SUITE].versions

    @property
    def images_per_second(self) -> float:
        """Training images per second of one run."""
        return _speed(self.session[SUITE])

    @property
    def milliseconds_per_step(self) -> float:
        """Median milliseconds per training step of one run."""
        return 1000 * statistics.median(self.session[SUITE].singles)

    @property
    def evaluated_per_second(self) -> float:
        """Images per second in evaluation."""
        return _speed(self.session[EVALUATION])

    def latency(self, percent: int) -> float:
        """This percentile (1 to 99) of the milliseconds from one image's bytes to its class."""
        return 1000 * statistics.quantiles(self.session[SINGLE].singles, n=100)[percent - 1]

    @property
    def peak_mib(self) -> float:
        """The peak memory of a training process in MiB."""
        return self.session[SUITE].peak

    @property
    def start_seconds(self) -> float:
        """Median seconds from the fork of a process to the end of its first training step."""
        return statistics.median(self.session[SUITE].starts)

    @property
    def floor(self) -> Ratio:
        """The ratio of the suite's loop to itself in another process; do not believe smaller effects."""
        return self._slower(AGAIN, SUITE)

    @property
    def speedups(self) -> dict[str, Ratio]:
        """The speed-ups of one run over torch's step and over the bare loop, and of a run per core over all others."""
        named = {BY_TORCH: SUITE, BARE: SUITE, TUTORIAL: CORES, LIGHTNING: CORES, SUITE: CORES}
        return {other: self._slower(other, mine) for other, mine in named.items() if other in self.session}

    def facts(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
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
    """Measure an experiment for about `seconds`; `tell` gets a line after each round."""
    return Throughput(title, measure(job, sides(cores), seconds, tell))


def _speed(seen: Seen) -> float:
    return 1 / statistics.median(time for row in seen.rows for time in row)
