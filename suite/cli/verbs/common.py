"""What several verbs share: how words become a session and changed recipe fields."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from suite.api.session import Session
from suite.errors import USER, SuiteError
from suite.recipe.fields import parse_override
from suite.recipe.registry import Registry
from suite.recipe.values import literal

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal


def opened(args: Namespace) -> "tuple[Terminal, Session]":
    """The screen of a command, and the session that its options describe."""
    from suite.cli.terminal import Terminal  # rich comes with it: `--help` and a wrong word do not wait for it

    terminal = Terminal(as_json=getattr(args, "json", False))
    session = Session.open(
        terminal,
        experiments=getattr(args, "experiments", ()),
        data_dir=getattr(args, "data_dir", None),
        workers=getattr(args, "workers", None),
    )
    return terminal, session


def changes(args: Namespace) -> dict[str, Any]:
    """The recipe fields that a command changes, by --set, --epochs and --data; each may be given once."""
    given = [parse_override(word) for word in args.set]
    given += [("epochs", literal(args.epochs))] if args.epochs is not None else []
    given += [("data", args.data)] if args.data is not None else []
    found = dict(given)
    if len(found) < len(given):
        words = " ".join(f"{name}={value}" for name, value in given)
        raise SuiteError(f"a field is given twice in {words}.", "Give each field once.")
    return found


def complain_of_broken(registry: Registry, terminal: "Terminal") -> int:
    """Name the files that could not be loaded; returns the exit code of a verb that went on without them."""
    for error in registry.errors:
        terminal.warn(str(error))
    return USER if registry.errors else 0
