"""The contents of a Python object: a text that changes when they change, and the parts to look into.

Only plain values, containers, arrays, generators, and objects, functions and classes of the user's own files are looked
into. Anything else (a logger, a module, an object of a library) has only its type for a text.
"""

import collections
import hashlib
import itertools
import random
import types
import warnings
from collections.abc import Iterable, Iterator
from functools import partial, singledispatch
from typing import Any

import numpy as np
import torch

from suite.engine import checkpoint

Part = tuple[str, Any]  # how its path goes on, such as `[2]` or `.steps`, and the value
Contents = tuple[str, list[Part]]


def contents(value: Any, own: frozenset[str]) -> Contents:
    """The text and the parts of a value; `own` are the names of the user's packages."""
    kind = type(value)
    if isinstance(value, type | types.FunctionType):
        return (value.__qualname__, list(_definition(value))) if is_own(value, own) else (value.__qualname__, [])
    text, parts = _open(value)
    if is_own(kind, own):
        slots = [name for one in kind.__mro__ for name in _names(vars(one).get("__slots__", ()))]
        parts = [*parts, *_members(getattr(value, "__dict__", {}).items())]
        parts += _members((name, getattr(value, name)) for name in slots if hasattr(value, name))
    return f"{kind.__name__} {text}", parts


def is_own(defined: Any, own: frozenset[str]) -> bool:
    """Whether a class or function is defined in one of the user's packages."""
    return str(defined.__module__).partition(".")[0] in own


def _names(slots: str | Iterable[str]) -> Iterable[str]:
    return [slots] if isinstance(slots, str) else slots


def _members(named: Iterable[Part]) -> list[Part]:
    return [(f".{name}", value) for name, value in named if not (name.startswith("__") and name.endswith("__"))]


def _definition(value: Any) -> Iterator[Part]:
    """The values that a class or a function keeps: attributes, defaults, and variables of the functions around it."""
    yield from _members(list(vars(value).items()))
    if isinstance(value, types.FunctionType):
        yield from ((f" default {i}", one) for i, one in enumerate(value.__defaults__ or ()))
        yield from ((f" default {name}", one) for name, one in (value.__kwdefaults__ or {}).items())
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            yield f" variable {name}", cell


@singledispatch
def _open(value: Any) -> Contents:
    if not hasattr(type(value), "__next__"):
        return "", []
    try:
        with warnings.catch_warnings(action="ignore"):  # itertools will lose this method in Python 3.14
            return "", [(f" part {i}", part) for i, part in enumerate(value.__reduce__()[1:])]
    except TypeError:
        return "", []


@_open.register(types.NoneType | bool | int | float | complex | str | bytes | bytearray | range | np.generic)
@_open.register(itertools.count)
def _(value: Any) -> Contents:
    return repr(value), []


@_open.register
def _(value: list | tuple | collections.deque) -> Contents:  # type: ignore[type-arg]
    return f"of {len(value)}", [(f"[{i}]", part) for i, part in enumerate(value)]


@_open.register
def _(value: set | frozenset) -> Contents:  # type: ignore[type-arg]
    return f"of {len(value)}", [(f"[{i}]", part) for i, part in enumerate(sorted(value, key=repr))]


@_open.register
def _(value: dict) -> Contents:  # type: ignore[type-arg]
    named = [(repr(key) if isinstance(key, str | int) else f"key {i}", key) for i, key in enumerate(value)]
    keys = [(f" {name}", key) for name, key in named]
    return f"of {len(value)}", keys + [(f"[{name}]", value[key]) for name, key in named]


@_open.register
def _(value: torch.Tensor) -> Contents:
    facts = f"{value.dtype} {tuple(value.shape)} {value.device}"
    try:
        return f"{facts} {checkpoint.digest({'': value})}", []
    except (RuntimeError, TypeError, NotImplementedError):  # sparse, quantised, or without values
        return facts, []


@_open.register
def _(value: np.ndarray) -> Contents:
    facts = f"{value.dtype} {value.shape}"
    if value.dtype.hasobject:
        return facts, [(f"[{i}]", part) for i, part in enumerate(value.flat)]
    return f"{facts} {hashlib.sha256(value.tobytes()).hexdigest()}", []


@_open.register
def _(value: torch.Generator) -> Contents:
    return checkpoint.digest({"": value.get_state()}), []


@_open.register
def _(value: random.Random) -> Contents:
    return hashlib.sha256(repr(value.getstate()).encode()).hexdigest(), []


@_open.register
def _(value: np.random.Generator) -> Contents:
    return "", [(".bit_generator.state", value.bit_generator.state)]


@_open.register
def _(value: np.random.RandomState) -> Contents:
    return "", [(" state", value.get_state(legacy=False))]


@_open.register
def _(value: types.CellType) -> Contents:
    try:
        return "", [("", value.cell_contents)]
    except ValueError:  # not set yet
        return "empty", []


@_open.register
def _(value: types.GeneratorType) -> Contents:  # type: ignore[type-arg]
    frame = value.gi_frame
    return ("at its end", []) if frame is None else (f"at {frame.f_lasti}", _members(list(frame.f_locals.items())))


@_open.register
def _(value: types.MethodType) -> Contents:
    return "", [("", value.__func__), (".__self__", value.__self__)]


@_open.register
def _(value: staticmethod | classmethod) -> Contents:  # type: ignore[type-arg]
    return "", [("", value.__func__)]


@_open.register
def _(value: partial) -> Contents:  # type: ignore[type-arg]
    return "", [(".func", value.func), (".args", value.args), (".keywords", value.keywords)]


@_open.register
def _(value: torch.nn.Module) -> Contents:
    """A module that no other module registers; its weights are in no `state_dict` either."""
    return "", _members(list(vars(value).items()))
