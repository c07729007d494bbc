"""The verb that looks at the machine."""

from argparse import Namespace

from suite.cli.terminal import Terminal
from suite.cli.verbs.common import folders
from suite.disk.home import Home
from suite.recipe.registry import load as load_registry


def doctor(args: Namespace) -> int:
    """Say what this machine has, and what would stop a run.

    python -m suite doctor
    """
    from suite.cli.doctor import examine

    terminal, registry = Terminal(as_json=args.json), load_registry(folders(args))
    findings = examine(Home.find(), registry, args.data_dir)
    if args.json:
        terminal.json([finding.facts() for finding in findings])
    else:
        terminal.table("Doctor", ("", "what", "found"), [finding.row() for finding in findings])
    return max((finding.code for finding in findings), default=0)
