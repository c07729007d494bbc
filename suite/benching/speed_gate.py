"""The speed gate: the suite's training step compared with another one in one session, with a verdict per experiment.

The other one is the same step in another revision or interpreter, or the bare loop. With the bare loop, the ratio
of the two is compared with a committed baseline, which is valid for all machines of the same kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.analysis.intervals import Interval
from suite.analysis.margin import Verdict
from suite.analysis.ratios import Ratio, judge, over, ratio
from suite.benching.session import Session, measure
from suite.benching.sides import HERE, Side, Workload
from suite.disk import references as committed
from suite.engine.exact import machine
from suite.recipe.registry import OURS

COMMITTED = OURS / "speed.json"
WHAT = "baseline"
NOW, AGAIN = "now", "now again"
BARE = Side("bare loop", "bare", "one")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Gated:
    """The verdict, the slowdown of a step as a ratio with its interval, and `floor`, the ratio of two equal sides."""

    title: str
    verdict: Verdict
    value: float
    slower: Interval
    floor: Ratio
    limit: float
    versions: Mapping[str, str]
    remark: str = ""

    @property
    def words(self) -> str:
        """The verdict as a line."""
        low, high = self.slower.low, self.slower.high
        ratio = f"{self.value:.3f} times as long ({low:.3f} to {high:.3f})"
        return f"{self.title}: {self.verdict}: {ratio}, limit {self.limit:g}. {self.remark}".rstrip()

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "experiment": self.title, "verdict": self.verdict, "slower": self.value,
            "interval": [self.slower.low, self.slower.high], "limit": self.limit,
            "same_against_itself": self.floor.facts(), "smallest_effect": self.floor.smallest_effect,
            "remark": self.remark,
        }  # fmt: skip


@dataclass(frozen=True)
class Baseline:
    """The committed ratio of a step's time to the bare loop's, with its processor, torch version and identity."""

    ratio: Ratio
    cpu: str
    torch: str
    identity: str

    def facts(self) -> dict[str, Any]:
        """As the file has it."""
        return {**self.ratio.facts(), "cpu": self.cpu, "torch": self.torch, "identity": self.identity}


def against(
    title: str, job: Workload, other: Side, *, seconds: float, limit: float, tell: Tell, source: Path = HERE
) -> Gated:
    """Measure the step of the checkout `source` and that of the `other` side, and judge the slowdown."""
    return compared(title, measure(job, beside(other, source), seconds, tell), other, limit=limit)


def beside(other: Side, source: Path = HERE) -> tuple[Side, ...]:
    """The sides of a gate's session: the step of a checkout, the other side, and the same step again."""
    now, again = (Side(name, "suite", by_torch=other.by_torch, source=source) for name in (NOW, AGAIN))
    return now, other, again


def compared(title: str, session: Session, other: Side, *, limit: float) -> Gated:
    """Judge the slowdown of the step against the other side, from a finished session."""
    found = ratio(session[NOW].times, session[other.name].times)
    changed = session[NOW].facts["identity"] != session[other.name].facts["identity"]
    remark = "The other side has a different recipe or network." if changed else ""
    return _judged(title, found.value, found.interval, session, limit, remark)


def check(title: str, job: Workload, baseline: Baseline, *, seconds: float, limit: float, tell: Tell) -> Gated:
    """Compare the current ratio to the bare loop with the baseline's.

    On another processor the ratio can change without a fault, so a failure there is only INCONCLUSIVE.
    """
    session = measure(job, beside(BARE), seconds, tell)
    found = ratio(session[NOW].times, session[BARE.name].times)
    facts, cpu, remarks = session[NOW].facts, machine()["cpu"], []
    if facts["identity"] != baseline.identity:
        remarks.append("The baseline has a different recipe or network.")
    if facts["torch"] != baseline.torch:
        remarks.append(f"The baseline has torch {baseline.torch}.")
    if cpu != baseline.cpu:
        remarks.append(f"The baseline was measured on another processor ({baseline.cpu}).")
    value = found.value / baseline.ratio.value
    judged = _judged(title, value, over(found, baseline.ratio), session, limit, " ".join(remarks))
    unsure = judged.verdict == "FAIL" and cpu != baseline.cpu
    return replace(judged, verdict="INCONCLUSIVE") if unsure else judged


def measured(job: Workload, *, seconds: float, tell: Tell) -> Baseline:
    """Measure a new baseline."""
    session = measure(job, beside(BARE), seconds, tell)
    facts = session[NOW].facts
    found = ratio(session[NOW].times, session[BARE.name].times)
    return Baseline(found, machine()["cpu"], facts["torch"], facts["identity"])


def read_baselines(path: Path, titles: Sequence[str]) -> dict[str, Baseline]:
    """All baselines of a file, by experiment; raises `SuiteError` (2) if one of `titles` or the file is missing."""
    return committed.read(path, WHAT, _checked, titles)


def write_baselines(path: Path, baselines: Mapping[str, Baseline]) -> None:
    """Write these baselines into the file; it keeps those of other experiments."""
    committed.add(path, WHAT, _checked, baselines)


def _judged(title: str, value: float, slower: Interval, session: Session, limit: float, remark: str) -> Gated:
    """The verdict; FAIL also requires a slowdown above the difference of two equal sides in the same session."""
    floor = ratio(session[AGAIN].times, session[NOW].times)
    verdict = judge(slower, limit)
    if verdict == "FAIL" and slower.low <= limit * max(floor.value, 1 / floor.value):
        verdict = "INCONCLUSIVE"
    return Gated(title, verdict, value, slower, floor, limit, session[NOW].versions, remark)


def _checked(facts: dict[str, Any]) -> Baseline:
    found = Ratio(float(facts["value"]), float(facts["error"]), int(facts["rounds"]), int(facts["cycles"]))
    if not (0 < found.value < 1e6 and 0 <= found.error < 10 and found.rounds > 1):
        raise ValueError("value must be positive, error not negative, rounds 2 or more")
    return Baseline(found, str(facts["cpu"]), str(facts["torch"]), str(facts["identity"]))
