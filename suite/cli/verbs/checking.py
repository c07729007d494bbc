"""The verb that tries an experiment before it is trained."""

from argparse import Namespace

from suite.api import checking
from suite.cli.verbs.common import changes, opened, option_for
from suite.text import plural


def check(args: Namespace) -> int:
    """Try an experiment on 64 images in seconds: shapes, gradients, loss, chance, resuming, minutes and memory.

    Nothing is recorded. The exit code is 2 if something must be fixed.

    python -m suite check my_net
    python -m suite check my_net --set lr=0.01 --json
    """
    terminal, session = opened(args)
    found = checking.check(session, args.name, changes(args))
    if args.json:
        terminal.json(found.facts())
        return found.code
    terminal.table(*found.table())
    faults = sum(one.status == "fix" for one in found.findings)
    place = session.one(args.name, "check").path
    following = f"python -m suite run {args.name}{option_for(place) if place.is_file() else ''}"
    terminal.say(f"{plural(faults, 'thing')} to fix." if faults else f"Nothing to fix. Next: {following}")
    return found.code
