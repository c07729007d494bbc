"""The hyper-parameters of an experiment: the arguments of the functions in its file.

A file has `network`, and beside it any of the functions in `GIVEN`. The suite gives each function what `GIVEN` lists.
Every other argument has a default and is a field of the recipe, like `lr`.
"""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from suite.errors import SuiteError
from suite.recipe.checks import flag, number, text, wrong
from suite.text import nearest

Functions = Mapping[str, Callable[..., Any]]  # by role: one of the names in `GIVEN`
Takes = Mapping[str, frozenset[str]]
GIVEN: Mapping[str, tuple[str, ...]] = {
    "network": ("shape", "classes"),
    "loss": ("scores", "labels"),
    "optimizer": ("parameters", "lr", "momentum", "weight_decay", "betas"),
    "schedule": ("step", "steps", "lr"),
    "augment": ("images", "generator"),
    "score": ("scores", "labels"),
}
OPTIONAL = tuple(role for role in GIVEN if role != "network")
RECORDED = ("experiment", "seed", "identity", "log10_lr")  # names that a run's record has already
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_FINITE = number("finite", lambda _: True, "0.5")


class Arguments(Mapping[str, Any]):
    """The values of a file's hyper-parameters, by name; each is of the kind of its default.

    `takes` holds, for each function of the file, what it takes of that which the suite gives. Raises `SuiteError` (2)
    for an unknown name and for a wrong value.
    """

    def __init__(self, takes: Takes, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        for name in given:
            if name not in defaults:
                raise SuiteError(
                    f"arguments: no function of the file has {name!r:.80}{nearest(str(name), defaults)}",
                    f"Arguments: {', '.join(defaults) or 'none'}.",
                )
        self.takes, self._defaults = takes, defaults
        self._values = {name: like(default, name, given.get(name, default)) for name, default in defaults.items()}

    def __getitem__(self, name: str) -> Any:
        """The value of one hyper-parameter."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the functions and of their arguments."""
        return iter(self._values)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._values)

    def __repr__(self) -> str:
        """The values, as a dict shows them."""
        return repr(self._values)

    def changed(self, values: Mapping[str, Any]) -> "Arguments":
        """These arguments with other values."""
        return Arguments(self.takes, self._defaults, {**self._values, **values})


def like(default: Any, name: str, value: Any) -> Any:
    """The value if it is of the default's kind; a whole number is also a float. A default of None allows all kinds."""
    if value is None and default is None:
        return None
    kind = type(value if default is None else default)
    if kind is bool:
        return flag(name, value)
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(name, value, "must be a whole number", f"Give one such as {default}")
        return value
    if kind is float:
        return _FINITE(name, value)
    if kind is str:
        return text(name, value)
    raise wrong(name, value, "must be a number, a text, true, false or none", "Give one of these")


def taken(functions: Functions) -> Takes:
    """For each function, what it takes of that which the suite gives to its role."""
    return {
        role: frozenset(GIVEN[role]) & frozenset(inspect.signature(one).parameters) for role, one in functions.items()
    }


def defaults_of(functions: Functions, fields: Iterable[str]) -> dict[str, Any]:
    """The hyper-parameters of all functions with their defaults; `fields` are the recipe's own names.

    Raises `SuiteError` (2) for an argument that cannot be a hyper-parameter.
    """
    found: dict[str, Any] = {}
    taken = frozenset((*fields, *RECORDED))
    for role, function in functions.items():
        for argument in inspect.signature(function).parameters.values():
            if _is_given(role, argument, taken):
                continue
            _require_hyper_parameter(role, argument, taken)
            name, default = argument.name, like(argument.default, argument.name, argument.default)
            if name in found and (type(found[name]), found[name]) != (type(default), default):
                raise SuiteError(
                    f"{name} has two defaults in the file: {found[name]!r} and {default!r}.",
                    "Give both arguments one default, or two names.",
                )
            found[name] = default
    return found


def _is_given(role: str, argument: inspect.Parameter, taken: frozenset[str]) -> bool:
    """Whether the suite gives this argument. A recipe's field has its default in the recipe, so not here too."""
    named = argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY)
    given = named and argument.name in GIVEN[role]
    return given and (argument.default is argument.empty or argument.name not in taken)


def _require_hyper_parameter(role: str, argument: inspect.Parameter, taken: frozenset[str]) -> None:
    name, given = argument.name, " and ".join(GIVEN[role])
    if argument.kind not in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY):
        raise SuiteError(f"{role} must have named arguments, got {str(argument)!r:.80}.", "Write each by its name.")
    if name in taken:
        raise SuiteError(f"{role} has an argument {name!r}, a name that every recipe has.", "Give it another name.")
    if argument.default is argument.empty:
        raise SuiteError(
            f"{role} has an argument {name!r} without a default{nearest(name, GIVEN[role])}",
            f"It is given {given}; every other argument is a hyper-parameter and needs a default.",
        )
    if not NAME.fullmatch(name):
        raise SuiteError(f"{role} has an argument {name!r:.80}.", "Use up to 40 letters, digits and underscores.")
    if type(argument.default) not in (bool, int, float, str, type(None)):
        raise SuiteError(
            f"{role} has an argument {name!r} with the default {argument.default!r:.80}.",
            "A hyper-parameter is a number, a text, true, false or none.",
        )


def bound(function: Callable[..., Any], role: str, values: Mapping[str, Any]) -> Callable[..., Any]:
    """The function with its hyper-parameters set. It takes all that its role is given, in that order."""
    names = inspect.signature(function).parameters
    fixed = {name: values[name] for name in names if name in values}
    wanted = [(place, name) for place, name in enumerate(GIVEN[role]) if name in names]
    return lambda *given: function(**{name: given[place] for place, name in wanted}, **fixed)


def misspelt(names: Iterable[str]) -> tuple[str, str] | None:
    """The first name that is almost a role's, and that role; None if there is none."""
    for name in names:
        if close := difflib.get_close_matches(name, OPTIONAL, n=1, cutoff=0.7):
            return name, close[0]
    return None
