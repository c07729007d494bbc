"""The speed gate: the suite's training step beside another one, in one session, with a verdict for each experiment.

The other one is the same step in another revision or in another interpreter, or the bare loop: then what is judged is
whether their ratio is still that of a committed baseline, which holds on any machine of the kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.analysis.gate import Verdict
from suite.analysis.intervals import Interval
from suite.analysis.ratios import Ratio, judge, over, ratio
from suite.bench.session import Session, measure
from suite.bench.sides import HERE, Side, Workload
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
    """The verdict, how many times as long a step takes as it should, and what equal sides differed by meanwhile."""

    title: str
    verdict: Verdict
    value: float
    slower: Interval
    floor: Ratio
    limit: float
    versions: Mapping[str, str]
    remark: str = ""

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
    """How many times as long as the bare loop a step took, with which processor and torch, and of which recipe."""

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
    """The step in the checkout `source` beside the same experiment's on another side."""
    return compared(title, measure(job, beside(other, source), seconds, tell), other, limit=limit)


def beside(other: Side, source: Path = HERE) -> tuple[Side, ...]:
    """What is measured in turn: the step in a checkout, the other side, and the step once more."""
    return Side(NOW, "suite", source=source), other, Side(AGAIN, "suite", source=source)


def compared(title: str, session: Session, other: Side, *, limit: float) -> Gated:
    """What a session says of the step beside the other side's."""
    found = ratio(session[NOW].times, session[other.name].times)
    changed = session[NOW].facts["identity"] != session[other.name].facts["identity"]
    remark = "The recipe or the network is another one there." if changed else ""
    return _judged(title, found.value, found.interval, session, limit, remark)


def check(title: str, job: Workload, baseline: Baseline, *, seconds: float, limit: float, tell: Tell) -> Gated:
    """Today's ratio to the bare loop beside the baseline's. On another processor it may be lost without a fault."""
    session = measure(job, beside(BARE), seconds, tell)
    found = ratio(session[NOW].times, session[BARE.name].times)
    facts, cpu, remarks = session[NOW].facts, machine()["cpu"], []
    if facts["identity"] != baseline.identity:
        remarks.append("The recipe or the network was another one.")
    if facts["torch"] != baseline.torch:
        remarks.append(f"The baseline has torch {baseline.torch}.")
    if cpu != baseline.cpu:
        remarks.append(f"The baseline was measured on another processor ({baseline.cpu}).")
    value = found.value / baseline.ratio.value
    judged = _judged(title, value, over(found, baseline.ratio), session, limit, " ".join(remarks))
    unsure = judged.verdict == "FAIL" and cpu != baseline.cpu
    return replace(judged, verdict="INCONCLUSIVE") if unsure else judged


def measured(job: Workload, *, seconds: float, tell: Tell) -> Baseline:
    """A new baseline."""
    session = measure(job, beside(BARE), seconds, tell)
    facts = session[NOW].facts
    found = ratio(session[NOW].times, session[BARE.name].times)
    return Baseline(found, machine()["cpu"], facts["torch"], facts["identity"])


def read_baselines(path: Path, titles: Sequence[str]) -> dict[str, Baseline]:
    """The baselines of these experiments; raises `SuiteError` (2) for a file that lacks one, or is none."""
    return committed.read(path, WHAT, _checked, titles)


def write_baselines(path: Path, baselines: Mapping[str, Baseline]) -> None:
    """Put these baselines into the file, beside those of other experiments that it has."""
    committed.add(path, WHAT, _checked, baselines)


def _judged(title: str, value: float, slower: Interval, session: Session, limit: float, remark: str) -> Gated:
    """A failure must be larger than what two equal sides differed by in the same session, too."""
    floor = ratio(session[AGAIN].times, session[NOW].times)
    verdict = judge(slower, limit)
    if verdict == "FAIL" and slower.low <= limit * max(floor.value, 1 / floor.value):
        verdict = "INCONCLUSIVE"
    return Gated(title, verdict, value, slower, floor, limit, session[NOW].versions, remark)


def _checked(facts: dict[str, Any]) -> Baseline:
    found = Ratio(float(facts["value"]), float(facts["error"]), int(facts["rounds"]), int(facts["cycles"]))
    if not (0 < found.value < 1e6 and 0 <= found.error < 10 and found.rounds > 1):
        raise ValueError("value must be a positive number, error none below 0, rounds 2 or more")
    return Baseline(found, str(facts["cpu"]), str(facts["torch"]), str(facts["identity"]))
