"""What an experiment is: a frozen, checked recipe whose identity changes with every field."""

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from suite.data.catalog import CATALOG
from suite.errors import SuiteError
from suite.words import nearest

LOSSES = ("cross-entropy", "mse-one-hot")
OPTIMIZERS = ("sgd", "adam")
KEEP = ("last", "best")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a protocol was published and what was printed there. Words about a recipe: no part of its identity.

    `history` maps an epoch, counted from 0, to (train loss, train accuracy, validation loss, validation accuracy).
    `confused` is the most confused pair: two class names and how many images.
    `parameters` is the count that the network must have; a network with another count is refused.
    """

    title: str
    parameters: int
    accuracy: float | None = None
    accuracy_words: str = ""
    history: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)
    confused: tuple[str, str, int] | None = None
    seconds: float | None = None
    machine: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "history", MappingProxyType(dict(self.history)))

    def facts(self) -> dict[str, Any]:
        """All that is told here, as plain JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "history": {str(epoch): list(row) for epoch, row in self.history.items()}}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice that can change a number. Wrong values raise `SuiteError` naming the field and the value.

    Images are divided by 255; then `normalize`, (mean, standard deviation), is applied where given.
    `holdout` is the share of the batches, the last ones in the published order, that validate instead of training.
    `probe_every` steps the accuracy on the first `probe_images` test images is written down, as some sources do;
    nothing is ever chosen by it. `test_images` is the source's own test subset: the first so many, None for all.
    `keep` says which weights are the result: those of the last epoch or of the best validation accuracy.
    `init_std` draws every weight from N(0, init_std²) with zero biases; None is the framework's own initialisation.
    """

    data: str
    loss: str
    optimizer: str
    lr: float
    batch_size: int
    epochs: int
    momentum: float = 0.0
    weight_decay: float = 0.0
    normalize: tuple[float, float] | None = None
    shuffle: bool = True
    holdout: float = 0.0
    probe_every: int | None = None
    probe_images: int | None = None
    keep: str = "last"
    test_images: int | None = None
    init_std: float | None = None
    source: Source | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        if self.keep == "best" and self.holdout == 0:
            raise _wrong("keep", self.keep, "needs validation images to choose by", "Give holdout a share such as 0.2")
        if (self.probe_every is None) != (self.probe_images is None):
            raise _wrong("probe_every", self.probe_every, "goes with probe_images", "Give both or neither")
        if self.momentum and self.optimizer != "sgd":
            raise _wrong("momentum", self.momentum, f"is not used by {self.optimizer}", "Leave it out")
        if self.holdout and not 0 < self.training_images() < CATALOG[self.data].train:
            raise _wrong("holdout", self.holdout, "must leave a batch to train on and one to validate on", "Change it")
        if not isinstance(self.source, Source | None):
            raise _wrong("source", self.source, "must be a Source or None", "See experiments/lenet.py")

    def training_images(self) -> int:
        """How many of the training images train: all but those of the held-out batches at the end."""
        images = CATALOG[self.data].train
        if not self.holdout:
            return images
        batches = math.ceil(images / self.batch_size)
        return int(batches * (1 - self.holdout) + 1e-9) * self.batch_size

    def protocol(self) -> dict[str, Any]:
        """All fields that can change a number, defaults included, as plain JSON values."""
        values = asdict(replace(self, source=None))
        del values["source"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def changed(self, overrides: Mapping[str, Any]) -> "Recipe":
        """This recipe with other values; an unknown field is refused with the nearest known one."""
        for name in overrides:
            require_field(name)
        return replace(self, **overrides)


def require_field(name: str) -> None:
    """Refuse a name that is no field of a recipe."""
    known = [item.name for item in _protocol_fields()]
    if name not in known:
        raise SuiteError(f"{name} is not a field of a recipe{nearest(name, known)}.", f"Fields: {', '.join(known)}.")


def parse_override(text: str) -> tuple[str, Any]:
    """`lr=0.01` as a field and its value: numbers, true, false, none, or numbers parted by commas."""
    name, equals, value = text.partition("=")
    if not equals:
        raise SuiteError(f"--set {text}: expected FIELD=VALUE.", "For example --set lr=0.01 batch_size=128.")
    require_field(name)
    return name, _literal(value)


def _literal(text: str) -> Any:
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    if "," in text:
        return tuple(_literal(part) for part in text.split(","))
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _protocol_fields() -> list[Field[Any]]:
    return [item for item in fields(Recipe) if item.name != "source"]


def _wrong(name: str, value: object, rule: str, remedy: str) -> SuiteError:
    return SuiteError(f"{name} {rule}, got {value!r:.80}.", f"{remedy}.")


def _choice(*allowed: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _wrong(name, value, f"must be one of {', '.join(allowed)}", "Choose one of them")
        return value

    return check


def _number(rule: str, accepts: Callable[[float], bool], example: str) -> Callable[[str, Any], float]:
    def check(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _wrong(name, value, "must be a finite number", f"Give a number such as {example}")
        if not accepts(value):
            raise _wrong(name, value, f"must be {rule}", f"Give a number such as {example}")
        return float(value)  # 1 and 1.0 are one recipe

    return check


def _count(most: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise _wrong(name, value, f"must be a whole number from 1 to {most:,}", "Give one in that range")
        return value

    return check


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "must be true or false", "Choose one of them")
    return value


def _optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda name, value: None if value is None else check(name, value)


def _mean_and_std(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise _wrong(name, value, "must be a mean and a standard deviation", "Give two numbers such as 0.1307,0.3081")
    mean, std = value
    return _MEAN(name, mean), _STD(name, std)


_MEAN = _number("within the pixels' range, 0 to 1", lambda number: 0 <= number <= 1, "0.1307")
_STD = _number("above 0 in its second place", lambda number: number > 0, "0.3081")
_POSITIVE = _number("above 0", lambda number: number > 0, "0.05")
_SHARE = _number("at least 0 and below 1", lambda number: 0 <= number < 1, "0.9")
_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "data": _choice(*CATALOG),
    "loss": _choice(*LOSSES),
    "optimizer": _choice(*OPTIMIZERS),
    "lr": _POSITIVE,
    "batch_size": _count(60_000),
    "epochs": _count(10_000),
    "momentum": _SHARE,
    "weight_decay": _number("at least 0", lambda number: number >= 0, "0.01"),
    "normalize": _optional(_mean_and_std),
    "shuffle": _flag,
    "holdout": _SHARE,
    "probe_every": _optional(_count(1_000_000)),
    "probe_images": _optional(_count(10_000)),
    "keep": _choice(*KEEP),
    "test_images": _optional(_count(10_000)),
    "init_std": _optional(_POSITIVE),
}
