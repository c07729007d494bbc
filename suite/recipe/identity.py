"""The identity of an experiment: a digest of its recipe, its data and its network's program text."""

import ast
import hashlib
import json
from pathlib import Path

from suite.data.catalog import data_set
from suite.recipe import Recipe
from suite.recipe.arguments import Functions

# Increase it when the engine changes the meaning of a recipe, so that old runs are not used as results of the new one.
FORMAT = 1


def identity(recipe: Recipe, network_text: str) -> str:
    """The SHA-256, in hexadecimal, of the recipe's protocol, the data set's digest and the network's text."""
    facts = {
        "format": FORMAT,
        "recipe": recipe.protocol(),
        "data_sha256": data_set(recipe.data).digest,
        "network": network_text,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def text_of(functions: Functions) -> str:
    """The functions and all definitions of their files that they use, without comments, layout or docstrings.

    Other files are not read, so a function must be in one file; only its import statements are included. Raises
    `ValueError` if a file does not define its function at its top level.
    """
    files: dict[Path, list[str]] = {}
    for function in functions.values():
        files.setdefault(Path(function.__code__.co_filename), []).append(function.__name__)
    texts = [_text(path, names) for path, names in files.items()]
    renamed = {role: one.__name__ for role, one in functions.items() if role != "network" and one.__name__ != role}
    return "\n\n".join([*texts, *(f"{role} = {name}" for role, name in renamed.items())])


def _text(path: Path, functions: list[str]) -> str:
    """The definitions of one file that these functions of it use, the functions included."""
    tree = ast.parse(path.read_bytes(), path)
    definitions = _by_bound_name(tree.body)
    for name in functions:
        if name not in definitions:
            raise ValueError(f"{name} is not defined by a def at the top level of {path.name}")
    wanted, found = [*functions], set[int]()
    while wanted:
        for index in definitions.get(wanted.pop(), []):
            if index not in found:
                found.add(index)
                wanted += _names_in(tree.body[index])
    return "\n\n".join(ast.unparse(_without_docstrings(tree.body[index])) for index in sorted(found))


def _by_bound_name(statements: list[ast.stmt]) -> dict[str, list[int]]:
    """The names that the file binds at its top level, each with the indices of the statements that bind it."""
    bound: dict[str, list[int]] = {}
    for index, statement in enumerate(statements):
        for name in _names_bound_by(statement):
            bound.setdefault(name, []).append(index)
    return bound


def _names_bound_by(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement binds or may change. In doubt a name is included."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    names: list[str] = []
    for node in ast.walk(statement):
        match node:
            case ast.Import(aliases) | ast.ImportFrom(names=aliases):
                names += [(alias.asname or alias.name).partition(".")[0] for alias in aliases]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.append(node.name)
            case ast.Name(ctx=ast.Store()):
                names.append(node.id)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                names += _names_in(node)
    # Any other statement may change the objects it names: `SIZES.append(5)`, also inside a loop or condition.
    return names if isinstance(statement, ast.Assign | ast.AnnAssign) else names + _names_in(statement)


def _names_in(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


def _without_docstrings(statement: ast.stmt) -> ast.stmt:
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return statement
