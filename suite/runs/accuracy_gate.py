"""The accuracy gate compares new runs with a committed reference; both are distributions over seeds."""

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.analysis.intervals import FEWEST, group
from suite.analysis.margin import ALPHA, Judged, judge
from suite.analysis.sequential import level_at, looks
from suite.disk import references as committed
from suite.errors import FAILED, SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.registry import OURS
from suite.runs.plan import Planned, plan

COMMITTED = OURS / "reference.json"
FRESH = 1_000  # the first seed of the gate's runs; references use seeds below it
SMALLEST_MARGIN = 0.01  # of accuracy; a smaller drop is not important enough to stop a change
WHAT = "reference"

Train = Callable[[Sequence[Planned]], None]
Document = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """Test accuracies over seeds, with their recipe, their network, and the environment in which they were measured."""

    accuracies: tuple[float, ...]
    recipe: Mapping[str, Any]
    network: str
    environment: Mapping[str, Any]

    def facts(self) -> Document:
        """The reference as it is stored in the file."""
        return {
            "accuracies": list(self.accuracies),
            "recipe": dict(self.recipe),
            "network": self.network,
            "environment": dict(self.environment),
        }


@dataclass(frozen=True)
class Gated:
    """The gate's result for one experiment; `changed` names the recipe fields that differ from the reference's."""

    title: str
    judged: Judged
    fresh: tuple[float, ...]
    reference: Reference
    changed: tuple[str, ...]
    reason: str = ""

    def facts(self) -> Document:
        """The result as plain values."""
        judged = self.judged
        return {
            "experiment": self.title, "verdict": judged.verdict, "words": judged.words, "drop": judged.drop,
            "interval": [judged.interval.low, judged.interval.high], "p": judged.p, "margin": judged.margin,
            "among": judged.among,
            "fresh": list(self.fresh), "reference": list(self.reference.accuracies), "changed": list(self.changed),
            "reason": self.reason,
        }  # fmt: skip


def gate(
    experiments: Sequence[Experiment],
    references: Mapping[str, Reference],
    train: Train,
    *,
    margin: float | None,
    most: int,
    first: int = FRESH,
    scratch: Path | None = None,
) -> Iterator[Gated]:
    """Train each experiment with fresh seeds, from `first` on, and yield its verdict as soon as there is one.

    The default of `margin` is twice the reference's standard deviation over seeds, but at least `SMALLEST_MARGIN`.

    An experiment gets few seeds at first. As long as it is inconclusive, it gets more, at most `most`. The error of all
    looks together is `ALPHA`, and the false alarms of all experiments together have that bound too. The runs are
    deleted afterwards. They are in a temporary folder in `scratch`, which all machines must reach that train.
    """
    planned_looks = looks(FEWEST, most)
    undecided = list(experiments)
    with tempfile.TemporaryDirectory(prefix="suite-gate-", dir=scratch) as temporary:
        for look, seeds in enumerate(planned_looks):
            planned = plan(undecided, range(first, first + seeds), Path(temporary))
            train(planned)
            alpha = 1 - level_at(planned_looks, look, 1 - ALPHA)
            for experiment in list(undecided):
                mine = [item for item in planned if item.experiment is experiment]
                found = _judge(experiment, mine, references[experiment.title], margin, alpha, len(experiments))
                if found.judged.verdict != "INCONCLUSIVE" or seeds == most:
                    undecided.remove(experiment)
                    yield found
            if not undecided:
                return


def measured(planned: Sequence[Planned]) -> dict[str, Reference]:
    """New references from these runs; raises `SuiteError` (1) if a run has no accuracy.

    A reference without such runs would be too high.
    """
    experiments = {item.experiment.identity: item.experiment for item in planned}
    return {
        one.title: _reference(one, [item for item in planned if item.experiment is one]) for one in experiments.values()
    }


def read_references(path: Path, experiments: Sequence[Experiment]) -> dict[str, Reference]:
    """The references of these experiments; raises `SuiteError` (2) if one is missing or the file is not valid."""
    return committed.read(path, WHAT, _checked, [experiment.title for experiment in experiments])


def write_references(path: Path, references: Mapping[str, Reference]) -> None:
    """Write these references into the file; references of other experiments in it stay."""
    committed.add(path, WHAT, _checked, references)


def _judge(
    experiment: Experiment,
    planned: Sequence[Planned],
    reference: Reference,
    margin: float | None,
    alpha: float,
    among: int,
) -> Gated:
    fresh = [_accuracy(item) for item in planned]
    reason = next((item.reason or item.status for item in planned if item.status != "finished"), "")
    usual = max(SMALLEST_MARGIN, 2 * (group(reference.accuracies).sd or 0))
    judged = judge(fresh, reference.accuracies, margin=margin or usual, alpha=alpha, among=among)
    return Gated(experiment.title, judged, tuple(fresh), reference, _changes(experiment, reference), reason)


def _accuracy(item: Planned) -> float:
    """The run's test accuracy; NaN if it diverged or failed."""
    finished = item.result is not None and item.status == "finished"
    return float(item.result["metrics"]["test/accuracy"]) if finished and item.result else math.nan


def _changes(experiment: Experiment, reference: Reference) -> tuple[str, ...]:
    """The differences between an experiment and its reference: names of recipe fields, or `network`."""
    now = json.loads(json.dumps(experiment.recipe.protocol()))
    names = sorted({*now, *reference.recipe})
    fields = [name for name in names if now.get(name) != reference.recipe.get(name)]
    return (*fields, *(["network"] if experiment.trained_text != reference.network else []))


def _reference(experiment: Experiment, planned: Sequence[Planned]) -> Reference:
    results = []
    for item in planned:
        if item.result is None or item.status != "finished":
            raise SuiteError(f"{item.run.name}: {item.reason or item.status}: no reference is written.", code=FAILED)
        results.append(item.result)
    known = ("suite", "torch", "cpu", "cpu_capability", "way", "numeric_class")  # older runs have no way, and no class
    return Reference(
        tuple(result["metrics"]["test/accuracy"] for result in results),
        experiment.recipe.protocol(),
        experiment.trained_text,
        {name: value for name, value in results[0]["environment"].items() if name in known},
    )


def _checked(facts: Document) -> Reference:
    accuracies = tuple(map(float, facts["accuracies"]))
    if len(accuracies) < FEWEST or not all(0 <= one <= 1 for one in accuracies):
        raise ValueError(f"accuracies must be {FEWEST} or more numbers from 0 to 1")
    return Reference(accuracies, dict(facts["recipe"]), str(facts["network"]), dict(facts["environment"]))
