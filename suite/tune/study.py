"""The trials of a study in Optuna's storage, which asks for the next ones by what it knows of those before."""

import hashlib
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.space import Dimension, Space
from suite.tune.halving import Ended
from suite.tune.rules import Rules, Values

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True)
class Trial:
    """One trial as it is stored: the values of its fields, its state, and what it came to."""

    number: int
    values: dict[str, Any]
    state: str
    results: tuple[float, ...]
    reports: dict[int, float]
    facts: dict[str, Any]


class Study:
    """A stored study of ours. Whoever uses it holds the study's lock: a trial that is RUNNING was broken off.

    A trial is stored with all of its values at once, as RUNNING, and asked for with a sampler that is seeded by the
    study's seed and its own number. So what is asked next depends on nothing but the trials before it.
    """

    def __init__(self, study: "optuna.Study", rules: Rules) -> None:
        self._study, self._rules = study, rules
        self._distributions = distributions(rules.space)

    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return [self._read(one) for one in self._study.get_trials(deepcopy=False)]

    def is_broken_off(self) -> bool:
        """Whether a generation was asked for and not told to its end."""
        return any(one.state.name == "RUNNING" for one in self._study.get_trials(deepcopy=False))

    def ask(self, total: int) -> dict[int, Values]:
        """The next generation, by number: the one broken off, or a new one that stays within `total`; empty at the end.

        Of a generation broken off those told already are in it too: whom a rung lets pass depends on all of them.
        """
        found = self._study.get_trials(deepcopy=False)
        begun = next((one.user_attrs["generation"] for one in found if one.state.name == "RUNNING"), None)
        first, size = begun or (len(found), min(self._rules.generation, total - len(found)))
        size = min(size, max(0, self._most() - first))
        if size <= 0:
            return {}
        self._add(first, size, list(found))
        return {one.number: one.values for one in self.trials()[first : first + size]}

    def tell(self, number: int, ended: Ended) -> None:
        """Write down how a trial ended; one told before is left as it is."""
        import optuna

        frozen = self._study.get_trials(deepcopy=False)[number]
        if frozen.state.name != "RUNNING":
            return
        trial = optuna.Trial(self._study, frozen._trial_id)  # there is no public way back to a stored trial
        for key, value in {**ended.facts, "at": int(time.time() * 1000)}.items():
            trial.set_user_attr(key, value)
        if self._rules.objective != "both":  # of several objectives Optuna takes no reports
            for step, value in ended.reports:
                if step not in frozen.intermediate_values:
                    trial.report(value, step)
        values = list(ended.values) if ended.state == "COMPLETE" else None
        self._study.tell(number, values, optuna.trial.TrialState[ended.state])

    def best(self, count: int) -> list[Trial]:
        """The best complete trials, the first of equal ones first, each configuration once; of `both` the front."""
        complete = [one for one in self.trials() if one.state == "COMPLETE"]
        if self._rules.objective == "both" and complete:
            front = {one.number for one in self._study.best_trials}
            complete = [one for one in complete if one.number in front]
        ranked = sorted(complete, key=lambda one: (-one.results[0], one.number))
        distinct: dict[str, Trial] = {}
        for one in ranked:
            distinct.setdefault(repr(one.values), one)
        return list(distinct.values())[:count]

    def importances(self) -> dict[str, float]:
        """The share of each field in what made the trials differ (PED-ANOVA); empty where there are too few."""
        import optuna

        complete = [one for one in self._study.get_trials(deepcopy=False) if one.state.name == "COMPLETE"]
        target = (lambda one: one.values[0]) if self._rules.objective == "both" else None
        if len(complete) < 4 or len({one.values[0] for one in complete}) < 2:
            return {}
        with _quiet():
            found = optuna.importance.get_param_importances(self._study, target=target)
        return {_field(name): float(share) for name, share in found.items()}

    @property
    def notes(self) -> dict[str, Any]:
        """What was written down of the study as a whole."""
        return dict(self._study.user_attrs)

    def note(self, key: str, value: Any) -> None:
        """Write down a fact of the whole study, as JSON."""
        self._study.set_user_attr(key, value)

    def _most(self) -> int:
        """A grid has only so many points."""
        if self._rules.sampler != "grid":
            return 1 << 30
        points = 1
        for one in self._rules.space.values():
            points *= len(one.grid())
        return points

    def _add(self, first: int, size: int, found: "list[optuna.trial.FrozenTrial]") -> None:
        """Ask for what the generation lacks, in a copy of the study, and store each trial in one piece."""
        import optuna

        directions = [one.name.lower() for one in self._study.directions]
        for number in range(len(found), first + size):
            params = self._published() if number == 0 else {}
            if not params:
                with _quiet():
                    copy = optuna.create_study(directions=directions, sampler=self._sampler(number))
                    copy.add_trials(found)
                    drawn = copy.ask(self._distributions).params
                params = {name: _rounded(value, self._distributions[name]) for name, value in drawn.items()}
            asked = self._running(params, (first, size))
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

    def _published(self) -> dict[str, Any]:
        """The first trial is the recipe as it is, where the space holds it: the one to beat."""
        values = self._rules.published()
        if self._rules.sampler == "grid" or not all(one.holds(values[one.field]) for one in self._rules.space.values()):
            return {}
        return to_params(self._rules.space, values)

    def _sampler(self, number: int) -> "BaseSampler":
        import optuna

        text = f"{self._rules.study_seed}/{number}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
        with _quiet():
            match self._rules.sampler:
                case "random":
                    return optuna.samplers.RandomSampler(seed=seed)
                case "gp":
                    return optuna.samplers.GPSampler(seed=seed)
                case "grid":  # in one order for the whole study
                    points = {_name(one): [_to_param(one, value) for value in one.grid()]
                              for one in self._rules.space.values()}  # fmt: skip
                    return optuna.samplers.GridSampler(points, seed=self._rules.study_seed)
            return optuna.samplers.TPESampler(seed=seed)

    def _read(self, frozen: "optuna.trial.FrozenTrial") -> Trial:
        values = {
            one.field: _to_value(one, frozen.params[_name(one)])
            for one in self._rules.space.values()
            if _name(one) in frozen.params
        }
        results = tuple(frozen.values) if frozen.state.name == "COMPLETE" and frozen.values else ()
        facts = {key: value for key, value in frozen.user_attrs.items() if key != "generation"}
        return Trial(frozen.number, values, frozen.state.name, results, dict(frozen.intermediate_values), facts)


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """What Optuna is told of a space. Powers of two are their exponents, which are even steps and keep the order."""
    return {_name(one): _distribution(one) for one in space.values()}


def to_params(space: Space, values: Values) -> dict[str, Any]:
    """A configuration in the terms of `distributions`."""
    return {_name(one): _to_param(one, values[one.field]) for one in space.values()}


def _name(one: Dimension) -> str:
    return f"log2_{one.field}" if one.exponents else one.field


def _rounded(value: Any, within: "BaseDistribution") -> Any:
    """Four digits of a number drawn from a range: as many as anyone types, so what is printed is what it was."""
    if not isinstance(value, float) or not hasattr(within, "low"):
        return value
    return min(max(float(f"{value:.4g}"), within.low), within.high)


def _field(name: str) -> str:
    return name.removeprefix("log2_")


def _distribution(one: Dimension) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.exponents:
        return IntDistribution(one.exponents[0], one.exponents[-1])
    if one.choices:
        return CategoricalDistribution([_to_param(one, choice) for choice in one.choices])
    return FloatDistribution(one.low, one.high, log=one.log)


def _to_param(one: Dimension, value: Any) -> Any:
    if one.exponents:
        return int(value).bit_length() - 1
    return ",".join(map(str, value)) if isinstance(value, tuple) else value


def _to_value(one: Dimension, param: Any) -> Any:
    if one.exponents:
        return 2 ** int(param)
    if one.choices:
        return next(choice for choice in one.choices if _to_param(one, choice) == param)
    return float(param)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's remarks: that a class is experimental, that a grid is at its end."""
    import optuna

    optuna.logging.set_verbosity(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
