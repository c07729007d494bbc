"""The trials of a study in Optuna's storage: new trials are asked for and results are stored."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.tuning.asking import distributions, field_of, most_trials, next_params, quiet, to_values
from suite.tuning.halving import Ended
from suite.tuning.patience import patient
from suite.tuning.rules import Rules, Values
from suite.tuning.samplers import importances

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Trial:
    """One stored trial: the values of its fields, its state, its objective values, and its value at each rung."""

    number: int
    values: dict[str, Any]
    state: str
    results: tuple[float, ...]
    reports: dict[int, float]
    facts: dict[str, Any]


class Study:
    """A study in Optuna's storage. The caller holds the study's lock, so a RUNNING trial was interrupted.

    A new trial is stored at once with all its values, as RUNNING. Its sampler is seeded with the study's seed and the
    trial's number. So the next trial depends only on the trials before it. A storage that does not answer is asked
    again for `patience` seconds.
    """

    def __init__(self, study: "optuna.Study", rules: Rules, patience: float = 0.0) -> None:
        self._study, self._rules, self.patience = study, rules, patience
        self._distributions = distributions(rules.space)

    @patient
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return [self._read(one) for one in self._study.get_trials(deepcopy=False)]

    @patient
    def is_broken_off(self) -> bool:
        """Whether the last generation was interrupted: at least one of its trials is still RUNNING."""
        return any(one.state.name == "RUNNING" for one in self._study.get_trials(deepcopy=False))

    @patient
    def ask(self, total: int) -> dict[int, Values]:
        """The next generation, by trial number: an interrupted one, or a new one up to `total`; empty at the end.

        An interrupted generation is returned whole, finished trials included, because pruning compares all of them.
        """
        found = self._study.get_trials(deepcopy=False)
        begun = next((one.user_attrs["generation"] for one in found if one.state.name == "RUNNING"), None)
        first, size = begun or (len(found), min(self._rules.generation, total - len(found)))
        size = min(size, max(0, most_trials(self._rules) - first))
        if size <= 0:
            return {}
        self._add(first, size, list(found))
        return {one.number: one.values for one in self.trials()[first : first + size]}

    @patient
    def tell(self, number: int, ended: Ended) -> None:
        """Store how a trial ended; a trial that has already ended is not changed."""
        import optuna

        frozen = self._study.get_trials(deepcopy=False)[number]
        if frozen.state.name != "RUNNING":
            return
        trial = optuna.Trial(self._study, frozen._trial_id)  # Optuna has no public way to reopen a stored trial
        for key, value in {**ended.facts, "at": int(time.time() * 1000)}.items():
            trial.set_user_attr(key, value)
        if self._rules.objective != "both":  # Optuna allows no intermediate reports with several objectives
            for step, value in ended.reports:
                if step not in frozen.intermediate_values:
                    trial.report(value, step)
        values = list(ended.values) if ended.state == "COMPLETE" else None
        self._study.tell(number, values, optuna.trial.TrialState[ended.state])

    @patient
    def best(self, count: int) -> list[Trial]:
        """The `count` best complete trials, each configuration once; with the objective `both`, of the Pareto front.

        They are ordered by their first objective value, equal ones by number.
        """
        complete = [one for one in self.trials() if one.state == "COMPLETE"]
        if self._rules.objective == "both" and complete:
            front = {one.number for one in self._study.best_trials}
            complete = [one for one in complete if one.number in front]
        ranked = sorted(complete, key=lambda one: (-one.results[0], one.number))
        distinct: dict[str, Trial] = {}
        for one in ranked:
            distinct.setdefault(repr(one.values), one)
        return list(distinct.values())[:count]

    @patient
    def importances(self) -> dict[str, float]:
        """The importance of each field for the results (PED-ANOVA), as a share; empty with too few complete trials."""
        complete = [one for one in self._study.get_trials(deepcopy=False) if one.state.name == "COMPLETE"]
        target = (lambda one: one.values[0]) if self._rules.objective == "both" else None
        if len(complete) < 4 or len({one.values[0] for one in complete}) < 2:
            return {}
        with quiet():
            found = importances(self._study, target)
        return {field_of(name): share for name, share in found.items()}

    @property
    @patient
    def notes(self) -> dict[str, Any]:
        """The facts stored by `note`."""
        return dict(self._study.user_attrs)

    @patient
    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study, as JSON."""
        self._study.set_user_attr(key, value)

    def _add(self, first: int, size: int, found: "list[optuna.trial.FrozenTrial]") -> None:
        """Create the missing trials of the generation; each one is stored in a single step."""
        directions = [one.name.lower() for one in self._study.directions]
        while len(found) < first + size:
            asked = self._running(next_params(self._rules, found, directions), (first, size))
            self._study.add_trial(asked)
            found.append(asked)

    def _running(self, params: dict[str, Any], generation: tuple[int, int]) -> "optuna.trial.FrozenTrial":
        import optuna

        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=params,
            distributions=self._distributions,
            user_attrs={"generation": list(generation)},
        )

    def _read(self, frozen: "optuna.trial.FrozenTrial") -> Trial:
        results = tuple(frozen.values) if frozen.state.name == "COMPLETE" and frozen.values else ()
        facts = {key: value for key, value in frozen.user_attrs.items() if key != "generation"}
        return Trial(
            frozen.number,
            to_values(self._rules.space, frozen.params),
            frozen.state.name,
            results,
            dict(frozen.intermediate_values),
            facts,
        )
