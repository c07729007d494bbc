"""The parameters of the next trial, from Optuna's samplers: in a copy of the study, with a seed for each trial."""

import hashlib
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from suite.recipe.space import Dimension, Space
from suite.tuning import samplers
from suite.tuning.rules import Rules, Values

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


def next_params(rules: Rules, found: "Sequence[optuna.trial.FrozenTrial]", directions: Sequence[str]) -> dict[str, Any]:
    """The parameters of the next trial: a function of the rules and of the trials `found`, RUNNING ones included.

    The first trial is the unchanged recipe, as the baseline, if the space contains it and the sampler is not `grid`.
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
    """The most trials that a study can have: the number of points of a grid, else practically no limit."""
    return math.prod(len(one.grid()) for one in rules.space.values()) if rules.sampler == "grid" else 1 << 30


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """The space as Optuna's distributions. Powers of two become exponents, which are ordered and evenly spaced."""
    return {_name(one): _distribution(one) for one in space.values()}


def to_params(space: Space, values: Values) -> dict[str, Any]:
    """Recipe values as Optuna's parameters, which belong to `distributions`."""
    return {_name(one): _to_param(one, values[one.field]) for one in space.values()}


def to_values(space: Space, params: dict[str, Any]) -> dict[str, Any]:
    """Optuna's parameters as recipe values, the inverse of `to_params`."""
    return {one.field: _to_value(one, params[_name(one)]) for one in space.values()}


def _name(one: Dimension) -> str:
    return f"log2_{one.field}" if one.exponents else one.field


def _rounded(value: Any, within: "BaseDistribution") -> Any:
    """A number from a range, rounded to four digits, so that the printed value is the exact value."""
    if not isinstance(value, float) or not hasattr(within, "low"):
        return value
    return min(max(float(f"{value:.4g}"), within.low), within.high)


def field_of(name: str) -> str:
    """The recipe field that belongs to a parameter of `distributions`."""
    return name.removeprefix("log2_")


def _distribution(one: Dimension) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.exponents:
        return IntDistribution(one.exponents[0], one.exponents[-1])
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
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
    return int(param) if one.whole else float(param)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Optuna's messages, such as that a class is experimental or that a grid is used up."""
    import optuna

    optuna.logging.set_verbosity(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _sampler(rules: Rules, number: int) -> "BaseSampler":
    text = f"{rules.study_seed}/{number}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
    match rules.sampler:
        case "random":
            return samplers.random(seed)
        case "gp":
            return samplers.gp(seed)
        case "grid":  # the study's seed, because all trials must share one order of the grid
            points = {_name(one): [_to_param(one, value) for value in one.grid()] for one in rules.space.values()}
            return samplers.grid(points, rules.study_seed)
    return samplers.tpe(seed, objectives=2 if rules.objective == "both" else 1)
