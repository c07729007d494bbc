"""Shared by the verbs: opens the session, and reads the changed recipe fields."""

import os
import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.session import Session
from suite.errors import USER, SuiteError
from suite.recipe.fields import parse_override
from suite.recipe.registry import OURS, Registry
from suite.recipe.values import literal

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal


def opened(args: Namespace) -> "tuple[Terminal, Session]":
    """The terminal and the session that a command's options describe."""
    from suite.cli.terminal import Terminal  # loads rich, which `--help` and a wrong option do not need

    markdown = getattr(args, "markdown", False)
    if markdown and args.json:
        raise SuiteError("--json and --markdown: stdout can be one of them.", "Give one of them.")
    terminal = Terminal(as_json=getattr(args, "json", False), as_markdown=markdown)
    session = Session.open(
        terminal,
        experiments=getattr(args, "experiments", ()),
        data_dir=getattr(args, "data_dir", None),
        workers=getattr(args, "workers", None),
        engine=getattr(args, "engine", "local"),
        slurm_options=getattr(args, "slurm_options", ()),
        address=getattr(args, "address", None),
        allow_unauthenticated=getattr(args, "allow_unauthenticated", False),
        cores_per_run=getattr(args, "cores_per_run", None),
        memory=getattr(args, "memory", None),
        gpus=getattr(args, "gpus", None),
        history=getattr(args, "history", None),
    )
    session.home.stand_in()
    return terminal, session


def changes(args: Namespace) -> dict[str, Any]:
    """The recipe fields that a command changes, by --set, --epochs, --data and --portable; each may be given once."""
    given = [parse_override(word) for word in args.set]
    given += [("epochs", literal(args.epochs))] if args.epochs is not None else []
    given += [("data", args.data)] if args.data is not None else []
    given += [("portable", True)] if args.portable else []
    found = dict(given)
    if len(found) < len(given):
        words = " ".join(f"{name}={value}" for name, value in given)
        raise SuiteError(f"a field is given twice in {words}.", "Give each field once.")
    return found


def option_for(path: Path) -> str:
    """What a next command must say to find the experiment's file at `path`; empty if it is found without."""
    named = os.environ.get("SUITE_EXPERIMENTS", "").split(os.pathsep)
    known = [OURS, *(Path(folder).resolve() for folder in named if folder)]
    return "" if path.parent in known else f" --experiments {shlex.quote(str(path.parent))}"


def complain_of_broken(registry: Registry, terminal: "Terminal") -> int:
    """Name the files that could not be loaded; returns the exit code of a verb that went on without them."""
    for error in registry.errors:
        terminal.warn(str(error))
    return USER if registry.errors else 0
