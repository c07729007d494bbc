"""The contents of a Python object: a text that changes when they change, and the parts to look into.

Objects, functions and classes of the user's own files are looked into. So are plain values, containers, tensors and
arrays. An object of a library is opened by what its `__reduce_ex__` returns, as `copy` does it. What cannot be copied
(a module, a lock, a socket) has only its type for a text; a function of a library has its name.
"""

import collections
import hashlib
import inspect
import io
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
from suite.engine.tensors import UNREADABLE, Contents, Part, opened

# Beside what they contain, these may have attributes, such as a masked array's mask.
WITH_MEMBERS = (torch.nn.Module, np.ndarray, dict, list, tuple, set, frozenset, collections.deque, partial)
# The inner state of these is no state of a network: it follows the clock or, as compiled code, the first call.
PLUMBING = ("torch._", "threading", "concurrent.", "multiprocessing.", "asyncio.", "logging")


def contents(value: Any, own: frozenset[str]) -> Contents:
    """The text and the parts of a value; `own` are the names of the user's packages."""
    kind = type(value)
    if isinstance(value, type | types.FunctionType):
        return (value.__qualname__, list(_definition(value))) if is_own(value, own) else (value.__qualname__, [])
    members: list[Part] = []
    if is_own(kind, own) or isinstance(value, WITH_MEMBERS):
        slots = [name for one in kind.__mro__ for name in _names(vars(one).get("__slots__", ()))]
        members = _members(getattr(value, "__dict__", {}).items())
        members += _members((name, getattr(value, name)) for name in slots if hasattr(value, name))
    text, parts = ("", []) if is_own(kind, own) and _has_only_members(kind) else _open(value)
    return f"{kind.__name__} {text}", [*members, *parts]


def is_own(defined: Any, own: frozenset[str]) -> bool:
    """Whether a class or function is defined in one of the user's packages."""
    return str(defined.__module__).partition(".")[0] in own


def _has_only_members(kind: Any) -> bool:
    """Whether all that an object of this class contains is in its attributes."""
    copied = kind.__reduce_ex__, kind.__reduce__
    return copied == (object.__reduce_ex__, object.__reduce__) and _open.dispatch(kind) is _open.dispatch(object)


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
    """The parts from which `copy` would make it again."""
    if type(value).__module__.startswith(PLUMBING):
        return "", []
    try:
        with warnings.catch_warnings(action="ignore"):  # itertools will lose this method in Python 3.14
            made = value.__reduce_ex__(4)
    except Exception:  # it says in its own way that it cannot be copied
        return "", []
    if isinstance(made, str):
        return made, []
    named = [(f" part {i}", part) for i, part in enumerate(made)]
    state = made[2] if len(made) > 2 else None
    if type(state) is dict:  # the attributes, by name
        named[2:3] = [(f".{name}", part) for name, part in state.items()]
    return "", named


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


@_open.register(dict | types.MappingProxyType)
def _(value: Any) -> Contents:
    items = [*(dict.items(value) if isinstance(value, dict) else value.items())]  # a subclass may have other items()
    names = [repr(key) if isinstance(key, str | int) else f"key {i}" for i, (key, _) in enumerate(items)]
    keys = [(f" {name}", key) for name, (key, _) in zip(names, items, strict=True)]
    return f"of {names}", keys + [(f"[{name}]", part) for name, (_, part) in zip(names, items, strict=True)]


@_open.register
def _(value: torch.Tensor) -> Contents:
    return opened(value)


@_open.register
def _(value: torch.UntypedStorage) -> Contents:
    return f"{value.device} {hashlib.sha256(bytes(value.cpu())).hexdigest()}", []  # copied, it would have its address


@_open.register
def _(value: np.ndarray) -> Contents:
    plain = np.asarray(value)  # without a mask, which is one of its members
    facts = f"{plain.dtype} {plain.shape} {plain.strides}"
    if plain.dtype.hasobject:
        return facts, [(f"[{i}]", part) for i, part in enumerate(plain.flat)]
    return f"{facts} {hashlib.sha256(plain.tobytes()).hexdigest()}", []


@_open.register
def _(value: np.void) -> Contents:
    fields = value.dtype.names or ()
    return f"{value.dtype} {'' if fields else value.tobytes().hex()}", [(f"[{name!r}]", value[name]) for name in fields]


@_open.register
def _(value: np.flatiter) -> Contents:
    return f"at {value.index}", [(".base", value.base)]


@_open.register
def _(value: memoryview) -> Contents:
    return value.tobytes().hex(), []


@_open.register(io.FileIO | io.BufferedReader | io.BufferedRandom | io.TextIOWrapper)
def _(value: Any) -> Contents:
    """A file that is read has its position; one that is only written, such as a log, is no state of a network."""
    try:
        return (f"at {value.tell()}" if value.readable() and value.seekable() else ""), []
    except ValueError:
        return "closed", []
    except OSError:  # its lines are read by `next`
        return UNREADABLE, []


@_open.register
def _(value: torch.Generator) -> Contents:
    return checkpoint.digest({"": value.get_state()}), []


@_open.register
def _(value: random.Random) -> Contents:
    try:
        return hashlib.sha256(repr(value.getstate()).encode()).hexdigest(), []
    except NotImplementedError:  # random.SystemRandom has none
        return "", []


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
    """Where one stands that has begun is not known from outside: the iterators of its loops are hidden."""
    if value.gi_frame is None:
        return "at its end", []
    if inspect.getgeneratorstate(value) == inspect.GEN_CREATED:
        return "not begun", _members(list(value.gi_frame.f_locals.items()))
    return UNREADABLE, []


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
def _(_value: torch.nn.Module) -> Contents:
    """A module that no other module registers; its weights are in no `state_dict` either. All is in its members."""
    return "", []
