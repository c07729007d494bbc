"""What a network keeps outside its `state_dict`: counters, caches, lists, generators, class attributes, globals.

A resumed run builds the network again and loads its `state_dict`, so everything else is as `network()` leaves it. What
differs from that at the end of an epoch is saved beside the weights; where it cannot be saved exactly, the run is
refused.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from suite.engine import checkpoint
from suite.engine.contents import contents, is_own
from suite.engine.tensors import UNREADABLE, attributes
from suite.errors import SuiteError
from suite.recipe.arguments import Functions

Tensors = dict[str, torch.Tensor]
REGISTERED = ("_parameters", "_buffers", "_modules")
PLAIN = (type(None), bool, int, float, str, bytes)
MISSING = object()


class Place(NamedTuple):
    """An attribute of a module; `module` is the module's name in the network, empty for the network itself."""

    module: str
    name: str


@dataclass
class _Look:
    """Texts that describe everything outside the `state_dict`, by path, such as `Net.noise.steps` or `Net.seen[2]`.

    `places` has the attribute that a path belongs to, None for classes and globals. `shared` are the attributes that
    share an object or memory with something else: saved and restored, they would be separate.
    """

    texts: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place | None] = field(default_factory=dict)
    shared: set[Place | None] = field(default_factory=set)

    def note(self, path: str, text: str, place: Place | None) -> None:
        self.texts[path], self.places[path] = text, place


class Outside:
    """What a network keeps outside its `state_dict`, compared with what it kept when it was built."""

    def __init__(self, model: nn.Module, network: Callable[..., Any], functions: Functions | None = None) -> None:
        """The model must be as `network` built it; `functions` are the others of the file."""
        self._model, self._functions = model, {"network": network, **(functions or {})}
        self._built = _look(model, self._functions)

    def changed(self) -> tuple[str, Tensors]:
        """The attributes that are not as they were built: JSON, and the tensors among them by name.

        Raises `SuiteError` (2) that names the first change that cannot be saved exactly.
        """
        plain: dict[str, Any] = {}
        layouts: dict[str, tuple[tuple[int, ...], str, bool]] = {}
        tensors: Tensors = {}
        now = _look(self._model, self._functions)
        for path in {**self._built.texts, **now.texts}:
            hidden = UNREADABLE in now.texts.get(path, "")
            if self._built.texts.get(path) == now.texts.get(path) and not hidden:
                continue
            place = now.places.get(path, self._built.places.get(path))
            value: Any = self._get(place) if place and place not in now.shared else MISSING
            key = ".".join(place or ())
            if is_plain(value):
                plain[key] = value
            elif _is_simple_tensor(value):
                tensors[key], layouts[key] = value, (value.stride(), str(value.device), value.is_inference())
            else:
                raise _not_resumable(path.partition(" part ")[0], "may change unseen" if hidden else "changes")
        return json.dumps([plain, layouts]) if plain or layouts else "", tensors

    def restore(self, facts: str, tensors: Tensors) -> None:
        """Set the attributes that `changed` returned; the checkpoint that they come from was checked."""
        plain, layouts = json.loads(facts) if facts else ({}, {})
        for key, value in plain.items():
            self._set(key, value)
        for key, (stride, device, inference) in layouts.items():
            with torch.inference_mode(inference):
                saved = tensors[key]
                laid_out = torch.empty_strided(saved.shape, stride, dtype=saved.dtype, device=device)
                self._set(key, laid_out.copy_(saved))

    def _get(self, place: Place) -> Any:
        module = self._model.get_submodule(place.module)
        return {**vars(module), **module._buffers}.get(place.name, MISSING)

    def _set(self, key: str, value: Any) -> None:
        path, _, name = key.rpartition(".")
        module = self._model.get_submodule(path)
        (module._buffers if name in module._buffers else vars(module))[name] = value


def _look(model: nn.Module, functions: Functions) -> _Look:
    """Look into everything that the network, its classes and the globals of its file refer to, each object once."""
    look, own = _Look(), _own_packages(model, functions)
    # The objects themselves are kept too, so that none of their ids is used again meanwhile.
    seen: dict[int, tuple[str, Place | None, Any]] = {id(one): ("the network", None, one) for one in model.modules()}
    memory: dict[int, Place | None] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        look.note(f"{type(model).__name__}.{name}", f"{tensor.dtype} {tuple(tensor.shape)}", None)
        seen[id(tensor)], memory[_address(tensor)] = (name, None, tensor), None
    weights = set(memory) - {0}
    pending = [*_roots(model, functions, own)][::-1]
    while pending:
        path, value, place = pending.pop()
        if isinstance(value, PLAIN):
            look.note(path, repr(value), place)
        elif id(value) in seen:
            first, other, _ = seen[id(value)]
            if first == path:  # an attribute that is one of its parts too
                continue
            look.note(path, f"the same as {first}", place)
            look.shared |= {place, other}
        else:
            seen[id(value)] = path, place, value
            address = _address(value)
            if address and memory.setdefault(address, place) != place:
                look.shared |= {place, memory[address]}
            text, parts = (_view(value), []) if address in weights else contents(value, own)
            look.note(path, text, place)
            pending += [(path + further, part, place) for further, part in reversed(parts)]
    return look


def _roots(model: nn.Module, functions: Functions, own: frozenset[str]) -> Iterator[tuple[str, Any, Place | None]]:
    """Where the search begins: the attributes of all modules, their classes, and the files of the functions."""
    title = type(model).__name__
    for name, module in model.named_modules():
        buffers = {key: module._buffers[key] for key in sorted(module._non_persistent_buffers_set)}
        for key, value in {**vars(module), **buffers}.items():
            if key not in REGISTERED:
                yield ".".join(filter(None, (title, name, key))), value, Place(name, key)
    for name, tensor in model.state_dict(keep_vars=True).items():
        yield from ((f"{title}.{name}{further}", part, None) for further, part in attributes(tensor))
    for kind in dict.fromkeys(kind for module in model.modules() for kind in type(module).__mro__):
        if is_own(kind, own):
            yield f"class {kind.__name__}", kind, None
    for role, function in functions.items():
        names: dict[str, Any] = getattr(function, "__globals__", {})
        file = str(names.get("__name__", "")).rpartition(".")[2]
        for key in sorted(names):
            if not key.startswith("__"):
                yield f"{file}.{key}", names[key], None
        yield f"{file}.{role}", function, None


def _own_packages(model: nn.Module, functions: Functions) -> frozenset[str]:
    """The packages of the user's code: those of the functions and of the network's classes, without torch."""
    defined = [
        *(one.__module__ for one in functions.values()),
        *(type(module).__module__ for module in model.modules()),
    ]
    return frozenset(module.partition(".")[0] for module in defined) - {"torch"}


def _address(value: Any) -> int:
    """Where the memory of a tensor or an array begins; 0 for anything else and where there is none."""
    if isinstance(value, np.ndarray):
        return int(value.__array_interface__["data"][0])
    if isinstance(value, torch.Tensor) and value.layout is torch.strided:
        with suppress(RuntimeError):  # a subclass without memory of its own
            return int(value.untyped_storage().data_ptr())
    return 0


def _view(value: Any) -> str:
    """Which part of a weight's memory a tensor or an array shows."""
    if isinstance(value, torch.Tensor):
        return f"a view of weights: {value.dtype} {tuple(value.shape)} {value.stride()} from {value.storage_offset()}"
    return f"a view of weights: {value.dtype} {value.shape} {value.strides}"


def is_plain(value: Any) -> bool:
    """Whether JSON gives back an equal value of the same type."""
    if type(value) is list:
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and is_plain(part) for key, part in value.items())
    return type(value) in (type(None), bool, int, float, str)


def _is_simple_tensor(value: Any) -> bool:
    """Whether its values and its layout are all there is to it: no gradient, no gaps, no subclass, no attributes."""
    if type(value) is not torch.Tensor or value.requires_grad or vars(value) or not checkpoint.holds(value):
        return False
    return not value.is_conj() and torch.empty_like(value).stride() == value.stride()


def _not_resumable(path: str, changes: str) -> SuiteError:
    return SuiteError(
        f"{path} {changes} in training, and a checkpoint cannot hold it: after an interruption the run would come to "
        "other weights.",
        "Make it a buffer (self.register_buffer), or an attribute of one module that is a number, a text, or a list or "
        "dict of these.",
    )
