"""The verb that begins an experiment of one's own."""

from argparse import Namespace

from suite.api import starting
from suite.cli.verbs.common import opened, option_for


def new(args: Namespace) -> int:
    """Write a commented file of an experiment of your own, which runs at once; nothing is overwritten.

    python -m suite new my_net
    python -m suite new my_net --from lenet --data fashion-mnist
    python -m suite new my_net --data folder:~/flowers?size=32
    """
    terminal, session = opened(args)
    path = starting.new(session, args.name, like=args.like, data=args.data)
    following = [f"python -m suite {verb} {args.name}{option_for(path)}" for verb in ("check", "run")]
    if args.json:
        terminal.json("suite/new/1", {"name": args.name, "path": str(path), "next": following})
    else:
        terminal.say(f"Wrote {path} ({len(path.read_text(encoding='utf-8').splitlines())} lines).")
        terminal.say("Next:")
        for line in following:
            terminal.say(f"    {line}")
    return 0
