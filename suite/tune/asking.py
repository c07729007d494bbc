"""What is asked for next: Optuna's samplers, in a copy of the study and seeded for each trial."""

import hashlib
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from suite.recipe.space import Dimension, Space
from suite.tune.rules import Rules, Values

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

GP_STARTUP = 4  # complete trials until a Gaussian process has something to go by; pruning lets few complete


def next_params(rules: Rules, found: "Sequence[optuna.trial.FrozenTrial]", directions: Sequence[str]) -> dict[str, Any]:
    """The parameters of the trial after those `found`, RUNNING ones among them: a function of these and the rules.

    The first trial is the recipe as it is, where the space holds it: the one to beat.
    """
    import optuna

    values = rules.published()
    if not found and rules.sampler != "grid" and all(one.holds(values[one.field]) for one in rules.space.values()):
        return to_params(rules.space, values)
    known = distributions(rules.space)
    with quiet():
        copy = optuna.create_study(directions=list(directions), sampler=_sampler(rules, len(found)))
        copy.add_trials(found)
        drawn = copy.ask(known).params
    return {name: _rounded(value, known[name]) for name, value in drawn.items()}


def most_trials(rules: Rules) -> int:
    """A grid has only so many points."""
    return math.prod(len(one.grid()) for one in rules.space.values()) if rules.sampler == "grid" else 1 << 30


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """What Optuna is told of a space. Powers of two are their exponents, which are even steps and keep the order."""
    return {_name(one): _distribution(one) for one in space.values()}


def to_params(space: Space, values: Values) -> dict[str, Any]:
    """A configuration in the terms of `distributions`."""
    return {_name(one): _to_param(one, values[one.field]) for one in space.values()}


def to_values(space: Space, params: dict[str, Any]) -> dict[str, Any]:
    """And back: recipe fields with their values."""
    return {one.field: _to_value(one, params[_name(one)]) for one in space.values()}


def _name(one: Dimension) -> str:
    return f"log2_{one.field}" if one.exponents else one.field


def _rounded(value: Any, within: "BaseDistribution") -> Any:
    """Four digits of a number drawn from a range: as many as anyone types, so what is printed is what it was."""
    if not isinstance(value, float) or not hasattr(within, "low"):
        return value
    return min(max(float(f"{value:.4g}"), within.low), within.high)


def field_of(name: str) -> str:
    """The field of a parameter of `distributions`."""
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
def quiet() -> Iterator[None]:
    """Without Optuna's remarks: that a class is experimental, that a grid is at its end."""
    import optuna

    optuna.logging.set_verbosity(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _sampler(rules: Rules, number: int) -> "BaseSampler":
    import optuna

    text = f"{rules.study_seed}/{number}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
    with quiet():
        match rules.sampler:
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed, n_startup_trials=GP_STARTUP)
            case "grid":  # in one order for the whole study
                points = {_name(one): [_to_param(one, value) for value in one.grid()]
                          for one in rules.space.values()}  # fmt: skip
                return optuna.samplers.GridSampler(points, seed=rules.study_seed)
        return optuna.samplers.TPESampler(seed=seed)
