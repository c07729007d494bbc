"""The recipe of an experiment: frozen and checked; its identity changes with every field that can change a result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from suite.data.catalog import data_set
from suite.data.dataset import Shape
from suite.errors import SuiteError
from suite.recipe.allowed import BETAS, CHECKS, MOMENTUM
from suite.recipe.arguments import Arguments, Functions, defaults_of, taken
from suite.recipe.checks import wrong
from suite.recipe.source import Source
from suite.recipe.space import DEFAULT, read_space
from suite.recipe.values import literal
from suite.text import nearest

__all__ = ["Recipe", "Source", "parse_override"]

# Fields added after the first release, with their defaults, which mean the former behaviour. At its default such a
# field is left out of the identity, so older finished runs stay valid. `warm_up`'s default depends on the schedule.
LATER: Mapping[str, Any] = {
    "betas": (0.9, 0.999),
    "schedule": "constant",
    "warm_up": None,
    "precision": "float32",
    "milestones": (0.5, 0.75),
    "gamma": 0.1,
    "label_smoothing": 0.0,
    "clip_norm": None,
    "average": None,
    "augment": "",
    "portable": False,
}
OWN = ("loss", "optimizer", "schedule", "augment")  # "own" in these fields means the function in the file
UNUSED = {"momentum": 0.0, "weight_decay": 0.0, "betas": LATER["betas"]}  # what a file's optimiser need not take
WARM_UPS = {"one-cycle": 0.3}  # no other schedule has a warm-up unless the recipe says so


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All choices of an experiment that can change its results, except the network.

    A wrong value raises `SuiteError` (2) that names the field and the value. All fields but `source` and `space` are
    part of the identity.
    Images are divided by 255; then `normalize` (mean, standard deviation) is applied if given.
    `holdout` is the share of the batches that validate instead of training: the last ones in the published order.
    Every `probe_every` steps, the accuracy on the first `probe_images` test images is recorded, as some sources do;
    it selects nothing. `test_images` is the source's own test subset: the first so many images, None for all.
    `keep` selects the weights of the result: the last epoch's, or those with the best validation accuracy.
    `init_std` draws every weight from N(0, init_std²) and sets biases to zero; None is torch's own initialisation.
    `betas` are the decay rates of Adam's kind of optimiser. `schedule` is the learning rate over the steps
    (suite/engine/schedule.py): constantly `lr`; one cycle with its peak `lr` after the warm-up; half a cosine from `lr`
    to 0; or steps, where the rate is multiplied by `gamma` at each share of the training in `milestones`. `warm_up` is
    the part of the training in which the rate rises to `lr`: a share below 1, or a number of steps. Unless given, it is
    0.3 for one-cycle and 0 for the others.
    `label_smoothing` and `clip_norm` (the largest norm of all gradients together) act in training steps only.
    `average` is the decay of an exponential moving average of weights and buffers: its values are evaluated and kept.
    `augment` changes the images of each training batch: words such as `crop4,flip` (suite/engine/augment.py).
    "own" as `loss`, `optimizer`, `schedule` or a word of `augment` means the function of that name in the file.
    `precision` is that of matrix products and convolutions in training steps (torch's autocast). Weights, the loss
    and all evaluations are always float32.
    `portable` trains with the arithmetic that all x86-64 processors with AVX2 have, so that they come to the same bits.
    `space` is the default search space of `tune`. `arguments` are values of hyper-parameters: the arguments of the
    functions in the experiment's file (suite/recipe/arguments.py). They are fields of the recipe once it is loaded.
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
    betas: tuple[float, float] = LATER["betas"]
    schedule: str = LATER["schedule"]
    warm_up: float | None = LATER["warm_up"]
    precision: str = LATER["precision"]
    milestones: tuple[float, ...] = LATER["milestones"]
    gamma: float = LATER["gamma"]
    label_smoothing: float = LATER["label_smoothing"]
    clip_norm: float | None = LATER["clip_norm"]
    average: float | None = LATER["average"]
    augment: str = LATER["augment"]
    portable: bool = LATER["portable"]
    source: Source | None = None
    space: Mapping[str, str] = field(default_factory=DEFAULT.copy)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        if self.warm_up is None:
            object.__setattr__(self, "warm_up", self._usual_warm_up())
        if self.keep == "best" and self.holdout == 0:
            raise wrong("keep", self.keep, "needs validation images to choose by", "Give holdout a share such as 0.2")
        if (self.probe_every is None) != (self.probe_images is None):
            raise wrong("probe_every", self.probe_every, "goes with probe_images", "Give both or neither")
        self._require_used()
        if self.holdout and not 0 < self.training_images() < data_set(self.data).train:
            raise wrong("holdout", self.holdout, "must leave a batch to train on and one to validate on", "Change it")
        if not isinstance(self.source, Source | None):
            raise wrong("source", self.source, "must be a Source or None", "See experiments/lenet.py")
        if not isinstance(self.space, Mapping):
            raise wrong("space", self.space, "must hold fields with their values", "See experiments/lenet.py")
        if not isinstance(self.arguments, Mapping):
            raise wrong("arguments", self.arguments, "must hold names with their values", 'Give {"width": 32}')
        read_space(self.space)

    @cached_property
    def shape(self) -> Shape:
        """The channels, height and width of each image of the data."""
        return data_set(self.data).shape

    @cached_property
    def classes(self) -> int:
        """The number of the data's classes."""
        return len(data_set(self.data).classes)

    def _require_used(self) -> None:
        """Raise `SuiteError` (2) for a value that the chosen optimiser, schedule or loss does not use."""
        takes = self.arguments.takes if isinstance(self.arguments, Arguments) else {role: frozenset() for role in OWN}
        for role in OWN:
            if "own" in getattr(self, role).split(",") and role not in takes:
                raise wrong(role, getattr(self, role), f"needs a function {role} in the experiment's file", "Write it")
        if self.optimizer == "own" and isinstance(self.arguments, Arguments):
            for name, default in UNUSED.items():
                if getattr(self, name) != default and name not in takes["optimizer"]:
                    raise wrong(name, getattr(self, name), "is not used by the file's optimizer", "Leave it out")
        if self.momentum and self.optimizer not in MOMENTUM:
            raise wrong("momentum", self.momentum, f"is not used by {self.optimizer}", "Leave it out")
        if self.optimizer == "nesterov" and not self.momentum:
            raise wrong("momentum", self.momentum, "must be above 0 for nesterov", "Give momentum=0.9")
        if self.betas != LATER["betas"] and self.optimizer not in BETAS:
            raise wrong("betas", self.betas, f"are not used by {self.optimizer}", "Leave them out")
        for name in ("milestones", "gamma"):
            if getattr(self, name) != LATER[name] and self.schedule != "step":
                raise wrong(name, getattr(self, name), f"is not used by the schedule {self.schedule}", "Leave it out")
        if self.label_smoothing and self.loss != "cross-entropy":
            raise wrong("label_smoothing", self.label_smoothing, f"is not used by {self.loss}", "Leave it out")

    def _usual_warm_up(self) -> float:
        return WARM_UPS.get(self.schedule, 0.0)

    def training_images(self) -> int:
        """The number of images that train: all training images except the held-out batches at the end."""
        images = data_set(self.data).train
        if not self.holdout:
            return images
        batches = math.ceil(images / self.batch_size)
        return int(batches * (1 - self.holdout) + 1e-9) * self.batch_size

    def protocol(self) -> dict[str, Any]:
        """The fields of the identity as plain JSON values; those of `LATER` are left out at their defaults."""
        defaults = {**LATER, "warm_up": self._usual_warm_up()}
        later = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
        return {name: value for name, value in self.values().items() if name not in later or value != later[name]}

    def values(self) -> dict[str, Any]:
        """All fields that can change a result, hyper-parameters included, as plain JSON values."""
        values = {name: getattr(self, name) for name in FIELDS}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()} | {
            **self.arguments
        }

    def __getitem__(self, name: str) -> Any:
        """The value of a field or of a hyper-parameter."""
        return self.arguments[name] if name in self.arguments else getattr(self, name)

    def changed(self, overrides: Mapping[str, Any]) -> "Recipe":
        """This recipe with other values; raises `SuiteError` (2) for an unknown field or a wrong value."""
        for name in overrides:
            self.require_field(name)
        if self.warm_up == self._usual_warm_up():  # another schedule has another one
            overrides = {"warm_up": None, **overrides}
        own = {name: value for name, value in overrides.items() if name in self.arguments}
        arguments = self.arguments.changed(own) if isinstance(self.arguments, Arguments) else self.arguments
        return replace(self, **{name: overrides[name] for name in overrides if name not in own}, arguments=arguments)

    def of(self, functions: Functions) -> "Recipe":
        """This recipe with the hyper-parameters of its file's functions; raises `SuiteError` (2) if they do not fit."""
        defaults = defaults_of(functions, (*FIELDS, *NOT_FIELDS))
        for role in OWN:
            if role in functions and "own" not in getattr(self, role).split(","):
                raise SuiteError(f"nothing uses the function {role}.", f'Write {role}="own" in the recipe.')
        recipe = replace(self, arguments=Arguments(taken(functions), defaults, self.arguments))
        for name in recipe.space:
            recipe.require_field(name)
        return recipe

    def require_field(self, name: str) -> None:
        """Raise `SuiteError` (2) unless a command can set `name`: a field, or a hyper-parameter of the file."""
        known = [*FIELDS, *self.arguments]
        if name not in known:
            raise SuiteError(f"{name} is not a field of a recipe{nearest(name, known)}", f"Fields: {', '.join(known)}.")


NOT_FIELDS = ("source", "space", "arguments")  # they change no number by themselves
FIELDS = tuple(item.name for item in fields(Recipe) if item.name not in NOT_FIELDS)


def parse_override(text: str) -> tuple[str, Any]:
    """The field and the value of a text such as `lr=0.01`; raises `SuiteError` (2) if it is not FIELD=VALUE.

    Which names there are depends on the experiment, so `Recipe.changed` checks them. Values are numbers, true, false,
    none, words, or numbers separated by commas.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise SuiteError(f"--set {text}: expected FIELD=VALUE.", "For example --set lr=0.01 batch_size=128.")
    return name, literal(value)
