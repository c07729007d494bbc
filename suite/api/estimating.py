"""What the runs of a command would cost, before any of them is trained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from suite.api import checking
from suite.api.session import Named, Session
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.plan import Planned, plan
from suite.text import duration, plural

if TYPE_CHECKING:
    from suite.disk.documents import Result


@dataclass(frozen=True)
class Cost:
    """The runs of one recipe: how many are left to train, the seconds and MiB of each, and how that is known."""

    experiment: str
    todo: int
    done: int
    seconds: float
    memory_mib: float
    by: str


@dataclass(frozen=True)
class Estimate:
    """The cost of a command: `seconds` in all, with `workers` runs side by side, which need `memory_mib` together."""

    costs: Sequence[Cost]
    workers: int

    @property
    def seconds(self) -> float:
        """All runs that are left, on all workers; no less than the longest of them."""
        left = [one for one in self.costs if one.todo]
        return max([sum(one.todo * one.seconds for one in left) / self.workers, *(one.seconds for one in left)])

    @property
    def memory_mib(self) -> float:
        """What the largest runs need that may be trained at the same time."""
        each = sorted((one.memory_mib for one in self.costs for _ in range(one.todo)), reverse=True)
        return sum(each[: self.workers])

    @property
    def words(self) -> str:
        """The estimate as a sentence."""
        runs = plural(sum(one.todo for one in self.costs), "run")
        side = plural(self.workers, "worker")
        return f"{runs} to train: about {duration(self.seconds)} with {side}, and {self.memory_mib:,.0f} MiB of memory."

    def require(self, seconds: float) -> None:
        """Raise `SuiteError` (2) if the command would take longer than that."""
        if self.seconds > seconds:
            raise SuiteError(f"{self.words[:-1]}, and --at-most is {duration(seconds)}.", "Train fewer, or allow more.")

    def facts(self) -> dict[str, Any]:
        """The values that `run --dry --json` prints."""
        return {
            "costs": [asdict(one) for one in self.costs], "workers": self.workers, "seconds": self.seconds,
            "memory_mib": self.memory_mib,
        }  # fmt: skip


def estimate(
    session: Session, names: Sequence[Named], *, seeds: Sequence[int], changes: Mapping[str, Any] | None = None
) -> Estimate:
    """What these runs would cost; nothing is trained.

    A recipe with finished runs costs what they took; any other is tried on a few images, as `check` does, so its data
    are fetched. Raises `SuiteError` (2) for an experiment that cannot be trained.
    """
    chosen = session.with_data(session.chosen(names, changes))
    planned = plan(chosen, seeds, session.home.runs)
    return Estimate([_cost(session, one, planned) for one in chosen], session.workers)


def _cost(session: Session, one: Experiment, planned: Sequence[Planned]) -> Cost:
    own = [item for item in planned if item.run.experiment == one.name and item.run.identity == one.identity]
    todo = sum(item.status == "planned" for item in own)
    if timed := _timed(item.result for item in own):
        clocks = [result["clock"] for result in timed]
        seconds = sum(clock["perf/train_seconds"] + clock["perf/evaluation_seconds"] for clock in clocks)
        memory = max(clock["perf/peak_memory_mib"] for clock in clocks)
        by = plural(len(timed), "finished run")
        return Cost(one.title, todo, len(own) - todo, seconds / len(timed), memory, by)
    found = checking.check_one(session, one)
    if not found.cost:
        lacking = next(finding.words for finding in found.findings if finding.status == "fix")
        raise SuiteError(f"{one.title} cannot be trained: {lacking}", f"See python -m suite check {one.name}.")
    return Cost(one.title, todo, len(own) - todo, found.cost["seconds"], found.cost["memory_mib"], "a trial")


def _timed(results: "Iterable[Result | None]") -> "list[Result]":
    return [result for result in results if result and result["status"] == "finished"]
