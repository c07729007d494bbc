"""How many seeds a comparison needs, from one that is stored, and what they cost on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from suite.api.comparing import compare
from suite.api.session import Named, Session
from suite.errors import SuiteError
from suite.text import duration, plural

if TYPE_CHECKING:
    from suite.analysis.comparison import Comparison
    from suite.reporting.table import Table
    from suite.tracking.groups import Group

LADDER = (3, 5, 8, 12, 20, 30, 50, 100)  # numbers of seeds in the table
MOST = 1_000


@dataclass(frozen=True)
class Step:
    """What `seeds` seeds of each recipe would do: powers between 0 and 1, the smallest visible difference, the hours.

    `hours` are of the runs that are not trained yet, with this machine's workers; None if no run was timed.
    """

    seeds: int
    sees: float | None
    shows_equivalence: float | None
    visible: float
    hours: float | None


@dataclass(frozen=True)
class SeedPlan:
    """The seeds that a comparison needs, computed from a pilot of `n` seeds.

    `effect` is the true difference that shall be seen, `margin` the one that shall be ruled out if there is none, both
    as shares; `seeds` are the fewest for the `power`, in all; None if not even 1,000 suffice.
    """

    one: str
    other: str
    n: int
    power: float
    effect: float | None
    margin: float | None
    seeds: int | None
    hours: float | None
    steps: Sequence[Step]

    @property
    def words(self) -> str:
        """The plan as a sentence."""
        what = f"see a difference of {100 * (self.effect or 0):.2f} points"
        if self.margin is not None:
            what = f"rule out {100 * self.margin:.2f} points if there is no difference"
        begun = f"{self.one} and {self.other}, judged by {plural(self.n, 'seed')}"
        if self.seeds is None:
            reason = "more seeds do not reduce the error of the choice of test images"
            return f"{begun}: not even {MOST:,} seeds {what} in {self.power:.0%} of comparisons: {reason}."
        cost = "" if self.hours is None else f"; {duration(3600 * self.hours)} on this machine"
        more = max(0, self.seeds - self.n)
        return f"{begun}: {plural(self.seeds, 'seed')} {what} in {self.power:.0%} of comparisons ({more} more{cost})."

    def table(self) -> "Table":
        """A row for each number of seeds."""
        from suite.reporting.table import Table

        rows = [{
            "seeds": one.seeds, "sees the effect": one.sees, "shows equivalence": one.shows_equivalence,
            "smallest seen in 80 %": one.visible, "hours more": one.hours,
        } for one in self.steps]  # fmt: skip
        formats = {"seeds": "d", "sees the effect": ".0%", "shows equivalence": ".0%",
                   "smallest seen in 80 %": ".4f", "hours more": ".2f"}  # fmt: skip
        kept = {name: how for name, how in formats.items() if any(row[name] is not None for row in rows)}
        return Table("What more seeds would do", rows, kept)

    def facts(self) -> dict[str, Any]:
        """The values that `plan --json` prints."""
        return {**asdict(self), "steps": [asdict(one) for one in self.steps], "words": self.words}


def plan(
    session: Session,
    words: Sequence[Named],
    *,
    changes: Mapping[str, Any] | None = None,
    effect: float | None = None,
    margin: float | None = None,
    power: float = 0.8,
) -> list[SeedPlan]:
    """For each pair of recipes the seeds that see an `effect`, or rule out a `margin`, with this power.

    The recipes are named as in `compare`; their finished runs are the pilot. Raises `SuiteError` (2) unless one of
    `effect` and `margin` is given.
    """
    if (effect is None) == (margin is None):
        raise SuiteError("plan: give --effect or --margin.", "For example --effect 0.5pt.")
    found = compare(session, words, changes=changes)
    seconds = {one.title: _seconds(one) for one in found.groups}
    return [
        _planned(pair, len(found.comparisons), effect, margin, power,
                 (seconds[pair.one] + seconds[pair.other]) / session.workers if seconds else None)
        for pair in found.comparisons
    ]  # fmt: skip


def _planned(
    pair: "Comparison", pairs: int, effect: float | None, margin: float | None, power: float, seconds: float | None
) -> SeedPlan:
    """The plan of one of several pairs; `seconds` are those that one more seed of both takes."""
    from suite.analysis.power import detectable, fewest_seeds, power_of, power_within

    n, level = len(pair.seeds), 1 - (1 - pair.level) / pairs
    pilot = replace(pair.found, level=level)

    def sees(seeds: int) -> float | None:
        return None if effect is None else power_of(pilot, effect, seeds)

    def rules_out(seeds: int) -> float | None:
        return None if margin is None else power_within(pilot, margin, seeds)

    def hours(seeds: int | None) -> float | None:
        return None if seconds is None or seeds is None else max(0, seeds - n) * seconds / 3600

    needed = fewest_seeds(lambda seeds: sees(seeds) or rules_out(seeds) or 0.0, power, MOST)
    steps = [Step(seeds, sees(seeds), rules_out(seeds), detectable(pilot, n=seeds), hours(seeds)) for seeds in LADDER]
    return SeedPlan(pair.one, pair.other, n, power, effect, margin, needed, hours(needed), steps)


def _seconds(one: "Group") -> float:
    """The mean time of a run, training and evaluation, as long as others went beside it."""
    return one.metric("perf/train_seconds").mean + one.metric("perf/evaluation_seconds").mean
