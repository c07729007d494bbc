"""The speed gate: the suite's training step compared with another one in one session, with a verdict per experiment.

The other one is the same step in another revision or interpreter, or the bare loop. With the bare loop, the ratio
of the two is compared with a committed baseline of this kind of processor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.analysis.intervals import LEVEL, Interval
from suite.analysis.margin import Verdict
from suite.analysis.ratios import Ratio, Relation, judge, over, ratio, relation
from suite.benching.baselines import Baseline, kind
from suite.benching.session import Session, measure
from suite.benching.sides import HERE, Side, Workload

NOW, AGAIN = "the step", "the step again"  # names with a space, which no revision has: the other side may be `now`
BARE = Side("bare loop", "bare", "one")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Gated:
    """The verdict, the slowdown of a step as a ratio with its interval, and `floor`, the ratio of two equal sides.

    The true ratio lies above the interval in 2.5 % of cases, and below it in 2.5 % divided by `among`, the number of
    experiments in the check, so that the false alarms of the whole check are bounded. If a margin was asked for,
    `relation` says what is shown of such a difference.
    """

    title: str
    verdict: Verdict
    value: float
    slower: Interval
    floor: Ratio
    limit: float
    versions: Mapping[str, str]
    remark: str = ""
    among: int = 1
    relation: Relation | None = None

    @property
    def words(self) -> str:
        """The verdict as a line."""
        low, high = self.slower.low, self.slower.high
        ratio = f"{self.value:.3f} times as long ({low:.3f} to {high:.3f})"
        shown = self.relation.words if self.relation else ""
        return " ".join(f"{self.title}: {self.verdict}: {ratio}, limit {self.limit:g}. {shown} {self.remark}".split())

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "experiment": self.title, "verdict": self.verdict, "slower": self.value,
            "interval": [self.slower.low, self.slower.high], "limit": self.limit,
            "same_against_itself": self.floor.facts(), "smallest_effect": self.floor.smallest_effect,
            "remark": self.remark, "among": self.among, "relation": self.relation and self.relation.facts(),
            "margin": self.relation and self.relation.margin,
        }  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is asked of each experiment of a check: up to `limit` times as long passes.

    `among` is the number of experiments in the check, and `margin` the difference that does not matter, such as 0.03.
    """

    seconds: float
    limit: float
    among: int = 1
    margin: float | None = None


def against(title: str, job: Workload, other: Side, asked: Question, *, tell: Tell, source: Path = HERE) -> Gated:
    """Measure the step of the checkout `source` and that of the `other` side, and judge the slowdown."""
    return compared(title, measure(job, beside(other, source), asked.seconds, tell), other, asked)


def beside(other: Side, source: Path = HERE) -> tuple[Side, ...]:
    """The sides of a gate's session: the step of a checkout, the other side, and the same step again."""
    now, again = (Side(name, "suite", by_torch=other.by_torch, source=source) for name in (NOW, AGAIN))
    return now, other, again


def compared(title: str, session: Session, other: Side, asked: Question) -> Gated:
    """Judge the slowdown of the step against the other side, from a finished session."""
    found = ratio(session[NOW].times, session[other.name].times)
    changed = session[NOW].facts["identity"] != session[other.name].facts["identity"]
    remark = "The other side has a different recipe or network." if changed else ""
    return _judged(title, found.value, lambda level: replace(found, level=level).interval, session, asked, remark)


def check(title: str, job: Workload, baseline: Baseline, asked: Question, *, tell: Tell) -> Gated:
    """Compare the current ratio to the bare loop with the baseline's, which is of this kind of processor."""
    session = measure(job, beside(BARE), asked.seconds, tell)
    found = ratio(session[NOW].times, session[BARE.name].times)
    facts, remarks = session[NOW].facts, []
    if facts["identity"] != baseline.identity:
        remarks.append("The baseline has a different recipe or network.")
    if facts["torch"] != baseline.torch:
        remarks.append(f"The baseline has torch {baseline.torch}.")

    def slower(level: float) -> Interval:
        return over(replace(found, level=level), replace(baseline.ratio, level=level))

    return _judged(title, found.value / baseline.ratio.value, slower, session, asked, " ".join(remarks))


def measured(job: Workload, *, seconds: float, tell: Tell) -> Baseline:
    """Measure a new baseline."""
    session = measure(job, beside(BARE), seconds, tell)
    facts = session[NOW].facts
    found = ratio(session[NOW].times, session[BARE.name].times)
    return Baseline(found, kind(), facts["torch"], facts["identity"])


def _judged(
    title: str, value: float, slower: Callable[[float], Interval], session: Session, asked: Question, remark: str
) -> Gated:
    """The verdict; FAIL also requires a slowdown above the difference of two equal sides in the same session.

    `slower` gives the interval of the ratio at a level. Its lower end, which a FAIL needs, is that of a stricter level
    (Bonferroni); the check passes only if every experiment does, so the upper end needs no correction.
    """
    interval = Interval(slower(1 - (1 - LEVEL) / asked.among).low, slower(LEVEL).high)
    floor = ratio(session[AGAIN].times, session[NOW].times)
    verdict = judge(interval, asked.limit)
    if verdict == "FAIL" and interval.low <= asked.limit * max(floor.value, 1 / floor.value):
        verdict = "INCONCLUSIVE"
    rounds = len(session[NOW].times)
    shown = None if asked.margin is None else relation(slower, asked.margin, rounds, asked.among)
    return Gated(title, verdict, value, interval, floor, asked.limit, session[NOW].versions, remark,
                 asked.among, shown)  # fmt: skip
