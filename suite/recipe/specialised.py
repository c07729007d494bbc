"""The text of a network for the images of one data set: `shape` and `classes` are replaced by their values.

The identity has this text. So a network that was written for one data set, and takes others now, keeps the identity of
its runs: for its own data the text is the same as before.
"""

import ast
import operator
import re
from typing import Any

from suite.data.dataset import Shape

SUMS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


def specialised(text: str, shape: Shape, classes: int) -> str:
    """The text with these values instead of the arguments `shape` and `classes` of `network`, and no such arguments.

    Items of the shape and sums of whole numbers are computed. The text is returned as it is if `network` has neither
    argument, or binds one of the two names in its body.
    """
    values: dict[str, ast.expr] = {"shape": ast.Tuple([*map(ast.Constant, shape)]), "classes": ast.Constant(classes)}
    if not re.search(r"^def network\(", text, re.MULTILINE):
        return text
    tree = ast.parse(text)
    network = next(one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "network")
    taken = {argument.arg for argument in (*network.args.args, *network.args.kwonlyargs)} & {*values}
    if not taken or {*values} & {name for one in network.body for name in _bound_in(one)}:
        return text
    _remove(network.args, taken)
    known = _Known({name: values[name] for name in taken})
    network.body = [known.visit(statement) for statement in network.body]
    return "\n\n".join(ast.unparse(ast.fix_missing_locations(statement)) for statement in tree.body)


class _Known(ast.NodeTransformer):
    """Puts values for names, and computes what follows from them."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._values.get(node.id, node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        items, place = node.value.elts if isinstance(node.value, ast.Tuple) else [], _whole(node.slice)
        return items[place] if place in range(len(items)) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        compute, left, right = SUMS.get(type(node.op)), _whole(node.left), _whole(node.right)
        if compute is None or left is None or right is None or (compute is operator.floordiv and right == 0):
            return node
        return ast.Constant(compute(left, right))


def _whole(node: ast.expr) -> Any:
    """The whole number that a node is; None for any other node."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def _remove(arguments: ast.arguments, names: set[str]) -> None:
    """Take arguments and their defaults out of a signature."""
    without = len(arguments.args) - len(arguments.defaults)
    defaults = [None] * without + arguments.defaults  # those of positional arguments alone are before these
    kept = [(one, default) for one, default in zip(arguments.args, defaults, strict=True) if one.arg not in names]
    arguments.args, arguments.defaults = [one for one, _ in kept], [default for _, default in kept if default]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    kept = [(one, default) for one, default in pairs if one.arg not in names]
    arguments.kwonlyargs, arguments.kw_defaults = [one for one, _ in kept], [default for _, default in kept]


def _bound_in(statement: ast.stmt) -> list[str]:
    """The names that a statement binds, in any of its scopes: as a target, an argument, a definition or an import."""
    names: list[str] = []
    for node in ast.walk(statement):
        match node:
            case ast.Name(id, ctx=ast.Store() | ast.Del()):
                names.append(id)
            case ast.arg(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                names.append(name)
            case ast.alias(name, asname):
                names.append((asname or name).partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.append(name)
            case ast.Global(several) | ast.Nonlocal(several):
                names += several
            case ast.MatchMapping(rest=str(name)):
                names.append(name)
    return names
