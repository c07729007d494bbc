"""The program text behind functions that a notebook or a script has defined, as an experiment's file would have it."""

import ast
import inspect
import linecache
import symtable
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from suite.errors import SuiteError
from suite.recipe.arguments import Functions

Namespace = Mapping[str, Any]
# A value is written by running its statement again: what calls something could do anything there.
NO_VALUE = (ast.Call, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.Await)
PLAIN = (bool, int, float, complex, str, bytes, type(None))


class Cells(NamedTuple):
    """The text of functions with all that they use, and the values that its assignments must give again."""

    text: str
    values: Mapping[str, Any]


class _Piece(NamedTuple):
    """A statement at the top level of a cell; `place` orders the pieces as the cells were run."""

    place: tuple[int, int]
    text: str
    node: ast.stmt


def cells_of(functions: Functions) -> Cells:
    """The definitions of these functions, by role, and of all that they use, in the order in which they were run.

    Imports, functions, classes and plain values are carried. Raises `SuiteError` (2) for anything else, by its name.
    """
    found: dict[str, _Piece] = {}
    values: dict[str, Any] = {}
    for role, function in functions.items():
        _walk(_required_def(role, function), found, values)
    pieces = {piece.text: piece for piece in sorted(found.values(), key=lambda piece: piece.place)}
    named = [f"{role} = {one.__name__}" for role, one in functions.items() if one.__name__ != role]
    return Cells("\n\n\n".join([*pieces, *named]), values)


def require_same(values: Mapping[str, Any], loaded: Namespace) -> None:
    """Raise `SuiteError` (2) for a value that is another one now than its own statement gives."""
    for name, value in values.items():
        again = loaded.get(name)
        if not (again is value or (_is_plain(value) and again == value) or _is_carried_as(value, again)):
            raise SuiteError(
                f"{name} is {value!r:.80} here, and {again!r:.80} by the cell that assigns it.", "Run that cell again."
            )


def _required_def(role: str, function: Any) -> FunctionType:
    if not isinstance(function, FunctionType):
        raise SuiteError(f"{role} must be a function, got {function!r:.80}.", "Write it as a def in a cell.")
    if function.__name__ == "<lambda>":
        raise SuiteError(f"{role} is a lambda, which has no text of its own.", "Write it as a def in a cell.")
    if function.__closure__ and not hasattr(function, "__wrapped__"):
        names = ", ".join(function.__code__.co_freevars)
        raise SuiteError(
            f"{role} uses {names} of the function that it was made in: such values cannot be carried.",
            "Write it at the top level of a cell, with an argument that has a default instead.",
        )
    return function


def _walk(function: FunctionType, found: dict[str, _Piece], values: dict[str, Any]) -> None:
    """Add the pieces of a function and of everything that it uses."""
    namespace = inspect.unwrap(function).__globals__
    cells = _texts(namespace)
    wanted = [function.__name__]
    done: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in done or (name not in namespace and name != function.__name__):
            continue  # a built-in name, or one that there is not: the run says so
        done.add(name)
        value = function if name == function.__name__ else namespace[name]
        piece = _piece(name, value, namespace, cells)
        if isinstance(piece.node, ast.Assign | ast.AnnAssign):
            values[name] = value
        if name in found and found[name].text != piece.text:
            raise SuiteError(f"two different things are called {name}.", "Rename one of them.")
        found[name] = piece
        wanted += sorted(_names_of_others(piece.text))


def _piece(name: str, value: Any, namespace: Namespace, cells: list[str]) -> _Piece:
    """The statement that gives a name its value."""
    if _is_defined_here(name, value, namespace):
        return _definition(name, value, cells)
    piece = _binding(name, cells)
    if isinstance(piece.node, ast.Import | ast.ImportFrom):
        return piece
    told = f"{name}, which the network uses, is a {type(value).__name__}"
    if not isinstance(piece.node, ast.Assign | ast.AnnAssign):
        raise SuiteError(f"{told} that no simple statement assigns.", f"Write {name} = … at the top level of a cell.")
    if not (_is_plain(value) or isinstance(value, type | FunctionType | ModuleType)):
        raise SuiteError(f"{told}: it cannot be carried.", "Make it inside the network, or give a number or a text.")
    if found := next((one for one in ast.walk(piece.node) if isinstance(one, NO_VALUE)), None):
        what = "a lambda" if isinstance(found, ast.Lambda) else "computed by a call"
        raise SuiteError(
            f"{name}, which the network uses, is {what}: {piece.text:.60}",
            "Write it as a def." if isinstance(found, ast.Lambda) else f"Write its value: {name} = {value!r:.60}",
        )
    return piece


def _is_defined_here(name: str, value: Any, namespace: Namespace) -> bool:
    """Whether it is a function or class that a def or class statement of this namespace made under this name."""
    made_here = getattr(value, "__module__", None) == namespace.get("__name__")
    return made_here and isinstance(value, type | FunctionType) and value.__name__ == name


def _definition(name: str, value: Any, cells: list[str]) -> _Piece:
    """The `def` or `class` behind a function or a class."""
    functions = [value] if isinstance(value, FunctionType) else [
        one for one in vars(value).values() if isinstance(one, FunctionType)
    ]  # fmt: skip
    for one in functions:
        code = inspect.unwrap(one).__code__
        text = "".join(linecache.getlines(code.co_filename))
        for piece in _pieces(text, cells) if text else ():
            start, end = _first_line(piece.node), piece.node.end_lineno or 0
            if getattr(piece.node, "name", None) == name and start <= code.co_firstlineno <= end:
                return piece
    if isinstance(value, type) and (found := _last(cells, lambda node: getattr(node, "name", None) == name)):
        return found
    where = "at the top level of a cell or file whose text is known"
    raise SuiteError(f"{name} is not defined {where}.", "Define it there, without a cell magic such as %%time.")


def _binding(name: str, cells: list[str]) -> _Piece:
    """The last statement that binds a name."""
    found = _last(cells, lambda node: name in _bound_by(node))
    if found is None:
        star = _last(cells, lambda node: isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
        how = f"Import it by name instead of `{star.text}`." if star else "Assign it in a cell of its own."
        raise SuiteError(f"{name}, which the network uses, is bound by no cell.", how)
    return found


def _bound_by(node: ast.stmt) -> set[str]:
    """The names that a statement binds, in doubt too many."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    for one in ast.walk(node):
        if isinstance(one, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in one.names}
    return names


def _last(cells: list[str], fits: Callable[[ast.stmt], bool]) -> _Piece | None:
    every = [piece for text in dict.fromkeys(cells) for piece in _pieces(text, cells) if fits(piece.node)]
    return max(every, key=lambda piece: piece.place, default=None)


def _pieces(text: str, cells: list[str]) -> Iterator[_Piece]:
    """The statements of a cell; none of one that is no Python."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return
    lines = text.splitlines()
    when = max((number for number, cell in enumerate(cells) if cell.rstrip() == text.rstrip()), default=len(cells))
    for number, node in enumerate(body):
        own = "\n".join(lines[_first_line(node) - 1 : node.end_lineno])
        yield _Piece((when, number), own if _is_text_of(own, node) else ast.unparse(node), node)


def _is_text_of(text: str, node: ast.stmt) -> bool:
    """Whether these lines hold the statement and no other."""
    try:
        return ast.dump(ast.Module(ast.parse(text).body, [])) == ast.dump(ast.Module([node], []))
    except (SyntaxError, ValueError):
        return False


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _texts(namespace: Namespace) -> list[str]:
    """The cells that a notebook has run, in their order; of a script or a module its file."""
    if "IPython" in sys.modules:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is not None and shell.user_ns is namespace:
            return [*map(str, shell.history_manager.input_hist_parsed)]
    file = namespace.get("__file__")
    return ["".join(linecache.getlines(file))] if isinstance(file, str) else []


def _names_of_others(text: str) -> set[str]:
    """The global names that a statement reads: local variables, arguments and attributes are none."""
    return set(_read(symtable.symtable(text, "cell", "exec"), outermost=True))


def _read(table: symtable.SymbolTable, *, outermost: bool = False) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (outermost or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _read(inner)


def _is_plain(value: Any) -> bool:
    """Whether it is a number, a text, or a collection of these."""
    if isinstance(value, dict):
        return type(value) is dict and all(_is_plain(one) for pair in value.items() for one in pair)
    if type(value) in (tuple, list, set, frozenset):
        return all(map(_is_plain, value))
    return type(value) in PLAIN


def _is_carried_as(value: Any, again: Any) -> bool:
    """Whether it is the same function or class of a cell, which the file defines too."""
    return isinstance(value, type | FunctionType) and getattr(again, "__qualname__", None) == value.__qualname__
