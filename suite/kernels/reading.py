"""From a network to its graph: which layer is given what. The text of each forward function is read, not run.

A run with placeholders would show one way through the text only, and not whether there is another: one for an
evaluation, or one that is chosen by chance. So a text is taken only if it has a single way: lines that give the result
of a layer, of an addition, of `relu` or of `torch.flatten(x, 1)` a name, and a last one that returns it.
"""

import ast
import functools
import inspect
from collections import Counter
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules import module as everywhere

from suite.kernels.weights import Unknown

IMAGES = -1  # the index of what the network is given
OWN = ("__call__", "__getattr__", "__getattribute__", "train", "eval")  # methods of nn.Module that must be torch's
SAME = (nn.Identity, nn.Flatten, nn.Dropout)  # their output may lie in the memory of their input


class Sum(nn.Module):  # type: ignore[misc]  # torch is read as untyped
    """The addition of two branches, as a layer."""


class Fork(nn.Module):  # type: ignore[misc]
    """Where a value has two users, as a layer: the later user's gradient is added to the first's."""


@dataclass(frozen=True)
class Node:
    """A layer and the indices of the nodes whose outputs it is given."""

    layer: nn.Module
    inputs: tuple[int, ...]


def graph(model: nn.Module) -> list[Node]:
    """The layers in their order; each output has one user, that of a `Fork` two, and the last one's is the network's.

    Raises `Unknown` for a text that does anything else.
    """
    _require_plain(model)
    reader = _Reader()
    last = reader.called(model, IMAGES)
    uses = Counter(index for node in reader.nodes for index in node.inputs) + Counter([last])
    if any(not uses[index] for index in range(len(reader.nodes))):
        raise Unknown("the output of a layer is not used")
    for index in reader.changed:
        while index != IMAGES and type(reader.nodes[index].layer) in SAME and uses[index] == 1:
            (index,) = reader.nodes[index].inputs
        if uses[index] > 1:
            raise Unknown("a value is changed in place, and used elsewhere too")
    return _forked(reader.nodes, uses)


def _require_plain(model: nn.Module) -> None:
    """Raises `Unknown` for a module that runs other code than its forward function."""
    names = [f"{way}{when}_hooks" for way in ("_forward", "_backward") for when in ("", "_pre")]
    for module in model.modules():
        hooks = [getattr(module, name) or getattr(everywhere, f"_global{name}") for name in names]
        if any(hooks) or "forward" in vars(module):
            raise Unknown(f"{type(module).__name__} has a hook")
        if any(getattr(type(module), name) is not getattr(nn.Module, name) for name in OWN):
            raise Unknown(f"{type(module).__name__} has a method that is no longer torch's")


def _forked(nodes: list[Node], uses: Counter[int]) -> list[Node]:
    """The same with a `Fork` for each further user of a value, directly behind it."""
    made: list[Node] = []
    ends: dict[int, list[int]] = {}  # for each value, what its users are given, in their order

    def provide(index: int, last: int) -> None:
        ends[index] = []
        for _ in range(uses[index] - 1):
            made.append(Node(Fork(), (last,)))
            last = len(made) - 1
            ends[index].append(last)
        ends[index].append(last)

    provide(IMAGES, IMAGES)
    for index, node in enumerate(nodes):
        made.append(Node(node.layer, tuple(ends[one].pop(0) for one in node.inputs)))
        provide(index, len(made) - 1)
    return made


class _Reader:
    """Follows values through modules; a value is the index of the node that puts it out."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.changed: list[int] = []  # values that are changed in place

    def add(self, layer: nn.Module, *inputs: int) -> int:
        """The output of a layer."""
        if getattr(layer, "inplace", False):
            self.changed.extend(inputs)
        self.nodes.append(Node(layer, inputs))
        return len(self.nodes) - 1

    def called(self, module: nn.Module, value: int) -> int:
        """The output of a module for this value."""
        if type(module) is nn.Sequential:
            for layer in module:  # children() would leave out a second use of the same layer
                value = self.called(layer, value)
            return value
        if type(module).__module__.startswith("torch."):
            return self.add(module, value)
        return _Forward(self, module).output(value)


@functools.cache
def _text(code: CodeType) -> ast.FunctionDef | None:
    """The text of a plain def; None if its file cannot be read, or gives other code: it may have changed since."""
    try:
        source = "".join(inspect.findsource(code)[0])
        tree, found = ast.parse(source), [compile(source, "", "exec", dont_inherit=True)]
    except (OSError, SyntaxError, ValueError, TypeError):
        return None
    for one in found:  # which grows meanwhile
        found.extend(inner for inner in one.co_consts if isinstance(inner, CodeType))
    place = code.co_name, code.co_firstlineno  # of a decorator, if there is one: it may have made anything of the def
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and (node.name, node.lineno) == place)
    return next(texts, None) if code in found else None


class _Forward:
    """One call of a module's own forward function."""

    def __init__(self, reader: _Reader, module: nn.Module) -> None:
        self.reader, self.module = reader, module
        self.values: dict[str, int] = {}  # by the names of the function's variables
        function = type(module).forward
        text = _text(function.__code__) if isinstance(function, FunctionType) else None
        if text is None:
            raise self.unknown("no plain def whose text is as it was loaded")
        try:
            found = inspect.getclosurevars(function)
        except ValueError:
            raise self.unknown("a name that stands for nothing") from None
        self.text, self.names = text, {**found.globals, **found.nonlocals}

    def unknown(self, part: str | ast.AST) -> Unknown:
        """The exception that names a part of the text."""
        words = part if isinstance(part, str) else f"`{ast.unparse(part).splitlines()[0]:.60}`"
        return Unknown(f"{type(self.module).__name__}.forward has {words}")

    def output(self, value: int) -> int:
        """What the function returns for this value."""
        *parts, end = self.text.body
        match self.text.args:
            case ast.arguments([], [ast.arg(own), ast.arg(given)], None, [], [], None, []):
                self.own, self.values[given] = own, value
            case other:
                raise self.unknown(f"other arguments than self and images: ({ast.unparse(other)})")
        for part in parts:
            self._line(part)
        if not isinstance(end, ast.Return) or end.value is None:
            raise self.unknown(end)
        return self._value(end.value)

    def _line(self, part: ast.stmt) -> None:
        """A docstring, `name = value` or `name += value`."""
        match part:
            case ast.Expr(ast.Constant(str())):
                pass
            case ast.Assign([ast.Name(name)], value) if name != self.own:
                self.values[name] = self._value(value)
            case ast.AugAssign(ast.Name(name), ast.Add(), value) if name in self.values:
                self.reader.changed.append(self.values[name])
                self.values[name] = self.reader.add(Sum(), self.values[name], self._value(value))
            case _:
                raise self.unknown(part)

    def _value(self, part: ast.expr) -> int:
        match part:
            case ast.Name(name) if name in self.values:
                return self.values[name]
            case ast.BinOp(one, ast.Add(), other):
                return self.reader.add(Sum(), self._value(one), self._value(other))
            case ast.Call(ast.Attribute(ast.Name(name), layer), [given], []) if name == self.own:
                return self.reader.called(self._layer(part, layer), self._value(given))
            case ast.Call(function, [given], []) if self._named(function, functional.relu, torch.relu):
                return self.reader.add(nn.ReLU(), self._value(given))
            case ast.Call(function, [given, ast.Constant(1)], []) if self._named(function, torch.flatten):
                return self.reader.add(nn.Flatten(), self._value(given))
            case _:
                raise self.unknown(part)

    def _layer(self, part: ast.expr, name: str) -> nn.Module:
        """The module's own layer of this name, if nothing hides it."""
        layer = self.module._modules.get(name)
        if layer is None or inspect.getattr_static(self.module, name, None) is not None:
            raise self.unknown(part)
        return layer

    def _named(self, part: ast.expr, *wanted: Any) -> bool:
        """Whether a name, or a name in an imported module, stands for one of these."""
        return any(self._found(part) is one for one in wanted)

    def _found(self, part: ast.expr) -> Any:
        match part:
            case ast.Name(name) if name not in self.values:
                return self.names.get(name)
            case ast.Attribute(of, name) if isinstance(found := self._found(of), ModuleType):
                return vars(found).get(name)
            case _:
                return None
