"""The reference, made from the program itself: its help, docstrings, checks, sources and errors, as Markdown."""

import argparse
import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import suite
from suite.cli import parser as cli
from suite.errors import SuiteError
from suite.recipe.allowed import CHECKS
from suite.recipe.fields import FIELDS

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 80  # of the help, in characters


def verbs() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Every verb with its help in one sentence and its parser."""
    [choice] = (one for one in cli._parser()._actions if isinstance(one, argparse._SubParsersAction))
    return {one.dest: (str(one.help), choice.choices[one.dest]) for one in choice._choices_actions}


def command_line() -> str:
    """The help of the command and of each verb, as `--help` prints it."""
    parsers = {"python -m suite": cli._parser(), **{name: parser for name, (_, parser) in verbs().items()}}
    return "\n\n".join(f"## {name}\n\n{fenced('text', _help(parser))}" for name, parser in parsers.items())


def _help(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = functools.partial(argparse.RawDescriptionHelpFormatter, width=WIDTH)
    parser.color = False  # Python 3.14 would colour it
    return parser.format_help()


def python() -> str:
    """Sphinx's directives for every public name, and for every class of ours that a public function returns."""
    functions = [name for name in suite.__all__ if inspect.isfunction(getattr(suite, name))]
    classes = [name for name in suite.__all__ if name not in functions]
    listed = [
        ("Functions", [f".. autofunction:: suite.{name}" for name in functions]),
        ("Classes", [_class(f"suite.{name}") for name in classes]),
        ("What the functions return", [_class(name) for name in _returned()]),
    ]
    return "\n\n".join(f"## {head}\n\n" + fenced("{eval-rst}", "\n\n".join(items)) for head, items in listed)


def _class(name: str) -> str:
    return f".. autoclass:: {name}\n   :members:"


def _returned() -> list[str]:
    """The classes that the signatures of the public functions return; most are imported there for types alone."""
    found: list[str] = []
    for module in ("calls", "preparing", "using"):
        found += _returned_by(ast.parse((ROOT / f"suite/api/{module}.py").read_text(encoding="utf-8")))
    return [*dict.fromkeys(found)]


def _returned_by(tree: ast.Module) -> list[str]:
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }  # fmt: skip
    returns = [ast.unparse(node.returns) for node in tree.body if isinstance(node, ast.FunctionDef) and node.returns]
    names = dict.fromkeys(name for text in returns for name in re.findall(r"[A-Za-z]\w*(?:\.\w+)*", text))
    found = []
    for name in names:
        first, _, rest = name.partition(".")
        if modules.get(first, "").startswith("suite.") and first not in suite.__all__:
            found.append(".".join(filter(None, (modules[first], rest))))
    return found


def fields() -> str:
    """Every field of a recipe with its default, and with the rule that its check names for a wrong value."""
    defaults = inspect.signature(suite.Recipe).parameters
    rows = []
    for name in FIELDS:
        default = defaults[name].default
        shown = "must be given" if default is inspect.Parameter.empty else f"`{default!r}`"
        rows.append((f"`{name}`", shown, _plain(_rule(name)) + (", or none" if default is None else "")))
    return _table(("field", "default", "value"), *rows)


def _rule(name: str) -> str:
    """`above 0`, for example: what a field must be, in the words of the error for a wrong value."""
    try:
        CHECKS[name](name, WRONG.get(name, -1))
    except SuiteError as refused:
        return re.sub(r"^\w+ (must be )?|, got .*", "", str(refused))
    raise AssertionError(f"{name}: this value is not wrong. Put another one into WRONG.")


WRONG = {"milestones": (), "augment": "?"}  # of the other fields none can be -1


def published() -> str:
    """The published figures of all experiments, and every published history, epoch by epoch."""
    published = [(one.name, one.recipe.data, one.recipe.source) for one in suite.experiments() if one.recipe.source]
    rows, histories = [], []
    for name, data, source in published:
        accuracy = source.accuracy_words or ("–" if source.accuracy is None else f"{source.accuracy:.4f}")
        rows.append((f"`{name}`", data, accuracy, _plain(source.title)))
        if source.history:
            figures = [(epoch, *(f"{one:.4f}" for one in row)) for epoch, row in source.history.items()]
            head = ("epoch", "train loss", "train accuracy", "validation loss", "validation accuracy")
            histories.append(f"## {name}, epoch by epoch\n\n{_table(head, *figures)}")
    return "\n".join([_table(("experiment", "data", "test accuracy", "source"), *rows), *histories])


def errors() -> str:
    """The messages of all errors that a user can see, read from the source: what is wrong, what to do, exit code."""
    rooms: dict[str, list[tuple[str, str, int]]] = {}
    for path in sorted((ROOT / "suite").rglob("*.py")):
        room = path.relative_to(ROOT / "suite").parts[0].removesuffix(".py")
        rooms.setdefault(room, []).extend(_errors_of(ast.parse(path.read_text(encoding="utf-8"))))
    return "\n".join(
        f"## {room}\n\n{_table(('what it says', 'what to do', 'exit code'), *dict.fromkeys(found))}"
        for room, found in rooms.items() if found
    )  # fmt: skip


def _errors_of(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "SuiteError" and node.args:
            what, *remedy = (_spoken(argument) for argument in node.args)
            machine = any(one.arg == "code" and ast.unparse(one.value) == "MACHINE" for one in node.keywords)
            if len(re.findall(r"\w{2,}", what)) > 1:  # more than names that are only known at run time
                yield _plain(what), _plain("".join(remedy)), 3 if machine else 2


def _spoken(node: ast.expr) -> str:
    """The text of a literal or an f-string, with `…` for what is only known at run time."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_spoken, parts))
        case _:
            return "…"


def fenced(kind: str, text: str) -> str:
    """A block of this kind, whose text may hold shorter fences."""
    return f"``````{kind}\n{text.rstrip()}\n``````"


def _plain(text: str) -> str:
    """The text with every character escaped that means something to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|~$#])", r"\\\1", text)


def _table(*rows: tuple[object, ...]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *body = (f"| {' | '.join(map(str, row))} |\n" for row in rows)
    return head + "|---" * len(rows[0]) + "|\n" + "".join(body)


REFERENCE = {"cli": command_line, "python": python, "recipe": fields, "published": published, "errors": errors}
