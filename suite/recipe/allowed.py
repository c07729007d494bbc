"""Which values each field of a recipe may have."""

from collections.abc import Mapping
from typing import Any

from suite.data.own.reading import resolve
from suite.recipe.augmenting import augment_words
from suite.recipe.checks import Check, choice, count, flag, number, optional, wrong

LOSSES = ("cross-entropy", "mse-one-hot", "own")
OPTIMIZERS = ("sgd", "nesterov", "rmsprop", "adam", "adamw", "nadam", "own")
KEEP = ("last", "best")
MOMENTUM = ("sgd", "nesterov", "rmsprop", "own")  # the optimisers that use `momentum`
BETAS = ("adam", "adamw", "nadam", "own")  # and those that use `betas`
SCHEDULES = ("constant", "one-cycle", "cosine", "step", "own")
PRECISIONS = ("float32", "bfloat16")


def _data(_: str, value: Any) -> str:
    """The name of a data set; of one's own data the name that its contents give it, never its path."""
    return resolve(value)


def _milestones(name: str, value: Any) -> tuple[float, ...]:
    """Shares of the training in ascending order; a number alone is one of them."""
    shares = value if isinstance(value, tuple) else (value,)
    found = tuple(_INSIDE(name, share) for share in shares)
    if not found or list(found) != sorted(set(found)):
        raise wrong(name, value, "must be shares in ascending order", "Give shares such as 0.5,0.75")
    return found


def _warm_up(name: str, value: Any) -> float:
    steps: float = _NOT_NEGATIVE(name, value)
    if steps > 1 and not steps.is_integer():
        raise wrong(name, value, "must be a share below 1, or a whole number of steps", "Give 0.1 or 100")
    return steps


def _pair(what: str, example: str, first: Check, second: Check) -> Check:
    """A check of a pair of numbers, with one check for each."""

    def check(name: str, value: Any) -> tuple[Any, Any]:
        if not isinstance(value, tuple) or len(value) != 2:
            raise wrong(name, value, f"must be {what}", f"Give two numbers such as {example}")
        return first(name, value[0]), second(name, value[1])

    return check


_MEAN = number("within the pixels' range, 0 to 1", lambda number: 0 <= number <= 1, "0.1307")
_STD = number("above 0 in its second place", lambda number: number > 0, "0.3081")
_POSITIVE = number("above 0", lambda number: number > 0, "0.05")
_SHARE = number("at least 0 and below 1", lambda number: 0 <= number < 1, "0.9")
_INSIDE = number("above 0 and below 1", lambda number: 0 < number < 1, "0.5")
_NOT_NEGATIVE = number("at least 0", lambda number: number >= 0, "0.01")
CHECKS: Mapping[str, Check] = {
    "data": _data,
    "loss": choice(*LOSSES),
    "optimizer": choice(*OPTIMIZERS),
    "lr": _POSITIVE,
    "batch_size": count(60_000),
    "epochs": count(10_000),
    "momentum": _SHARE,
    "weight_decay": _NOT_NEGATIVE,
    "normalize": optional(_pair("a mean and a standard deviation", "0.1307,0.3081", _MEAN, _STD)),
    "shuffle": flag,
    "holdout": _SHARE,
    "probe_every": optional(count(1_000_000)),
    "probe_images": optional(count(10_000)),
    "keep": choice(*KEEP),
    "test_images": optional(count(10_000)),
    "init_std": optional(_POSITIVE),
    "betas": _pair("two decay rates", "0.9,0.999", _SHARE, _SHARE),
    "schedule": choice(*SCHEDULES),
    "warm_up": optional(_warm_up),
    "precision": choice(*PRECISIONS),
    "milestones": _milestones,
    "gamma": _INSIDE,
    "label_smoothing": _SHARE,
    "clip_norm": optional(_POSITIVE),
    "average": optional(_INSIDE),
    "augment": augment_words,
    "portable": flag,
}
