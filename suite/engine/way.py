"""Which way the numbers of a training are computed: by the suite's own kernels, or by torch.

The choice goes by recipe and network alone, never by a measurement, so that it is the same on every machine.
"""

import functools
import os
from dataclasses import dataclass

from torch import nn

from suite.engine.device import COMPILE, DEVICE, compile_mode, device
from suite.engine.device import require as device_require
from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.augmenting import changes

KERNELS = "SUITE_KERNELS"
OPTIMIZERS = ("sgd", "nesterov", "adam", "adamw")
WHOLE_NUMBERS = ("crop", "flip", "erase")  # changes of images that round nothing


@dataclass(frozen=True)
class Way:
    """`kernels` is whether they compute; if not, `why` says what keeps them from it.

    It is recipe or network, or else the user's variables or what is installed: then torch computes `instead`, with
    other numbers than elsewhere.
    """

    kernels: bool
    why: str = ""
    instead: bool = False

    def __str__(self) -> str:
        return "kernels" if self.kernels else f"torch{' instead' if self.instead else ''}: {self.why}"


def way_of(recipe: Recipe, model: nn.Module) -> Way:
    """The way of a recipe with this network, which is in CPU memory or on its device.

    Raises `SuiteError` (2) for an unknown value of SUITE_KERNELS.
    """
    chosen = _chosen()
    if why := _recipe(recipe) or _network(recipe, model):
        return Way(False, why)
    found = chosen or _missing()
    return Way(not found, found, instead=bool(found))


def _chosen() -> str:
    """What the user's variables say against the kernels."""
    named = os.environ.get(KERNELS) or "auto"
    if named not in ("auto", "torch"):
        raise SuiteError(f"{KERNELS}: {named!r:.80} is no way to compute.", "Name torch, or leave it out.")
    if named == "torch":
        return f"{KERNELS}=torch"
    if device().type != "cpu":
        return f"{DEVICE}={os.environ[DEVICE]}"
    return f"{COMPILE}={compile_mode()}" if compile_mode() else ""


def _recipe(recipe: Recipe) -> str:
    """The first field of the recipe that the kernels do not know."""
    unknown = {
        "precision": recipe.precision != "float32",
        "loss": recipe.loss == "own",
        "optimizer": recipe.optimizer not in OPTIMIZERS,
        "average": recipe.average is not None,
        "augment": any(one.kind not in WHOLE_NUMBERS for one in changes(recipe.augment)),
    }
    return next((f"{name} is {getattr(recipe, name)}" for name, is_unknown in unknown.items() if is_unknown), "")


def require() -> None:
    """Check the user's variables before any process starts; raises `SuiteError` as `device.require` does too."""
    device_require()
    _chosen()


def against_kernels() -> str:
    """Why the kernels compute nothing here, whatever the experiment; empty if they do."""
    return _chosen() or _missing()


@functools.cache
def _missing() -> str:
    """Why the kernels cannot be compiled here, if they cannot."""
    try:
        from numba.core import config

        import suite.kernels.walking  # noqa: F401  network.py loads Numba when it is first needed
    except Exception as error:  # Numba refuses a Python or a numpy that is newer than it
        return f"Numba cannot be loaded ({type(error).__name__})"
    return "NUMBA_DISABLE_JIT is set" if config.DISABLE_JIT else ""


def _network(recipe: Recipe, model: nn.Module) -> str:
    from suite.kernels.layers import WIDE, operations, share_of_wide
    from suite.kernels.weights import Unknown

    try:
        found = operations(model, recipe.shape)
    except Unknown as unknown:
        return str(unknown)
    return f"most of its work is in convolutions of {WIDE} channels or more" if share_of_wide(found) > 0.5 else ""
