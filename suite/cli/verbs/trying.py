"""The verbs of the loop "change something, keep it or not"."""

from argparse import Namespace
from itertools import groupby

from suite.cli.verbs.common import changes, opened


def try_(args: Namespace) -> int:
    """Try a change against a baseline with the fewest seeds that decide: KEEP, DISCARD or UNDECIDED.

    For a person, or a program, that changes something again and again. All tries against one baseline share an error
    of 5 %: the chance that any change without effect is kept, however many there are (docs/trying.md). A recipe has
    one try; when it is given again, it goes on or repeats its verdict. `tries` shows the ledger.

    The exit code is 0 for KEEP, 1 for DISCARD, 4 for UNDECIDED.

    python -m suite try my_net --against lenet
    python -m suite try lenet --against lenet --set lr=0.5 --margin 1pt
    python -m suite try my_small_net --against lenet --keep-if not-worse --margin 0.3pt
    """
    from suite.analysis.trying import Rule
    from suite.api.ledger import table
    from suite.api.trying import attempt

    terminal, session = opened(args)
    rule = Rule(args.keep_if, args.margin, args.limit)
    found = attempt(session, args.name, args.against, rule, changes(args))
    if args.json:
        terminal.json("suite/try/1", found.to_dict())
    else:
        terminal.table(*table([found]).shown())
        terminal.conclude([found.words])
    return found.code


def tries(args: Namespace) -> int:
    """Show the ledger of all tries, and how much of each baseline's error is left.

    python -m suite tries
    """
    from suite.api.ledger import left, table
    from suite.api.ledger import tries as all_tries

    terminal, session = opened(args)
    found = all_tries(session)
    if args.json:
        terminal.json("suite/tries/1", {"tries": [one.to_dict() for one in found]})
        return 0
    if not found:
        terminal.say("Nothing was tried yet: python -m suite try NAME --against BASELINE.")
        return 0
    terminal.table(*table(found).shown())
    for (name, identity), some in groupby(found, lambda one: (one.baseline, one.baseline_identity)):
        rest = left([one.entry for one in some])
        terminal.conclude([f"Against {name} ({identity[:12]}): {100 * rest:.2f} of 5 % error are left for more tries."])
    return 0
