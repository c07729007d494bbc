"""`python -m suite` without a verb."""

from argparse import Namespace

from suite.api.guiding import guide as next_steps
from suite.cli.verbs.common import opened


def guide(args: Namespace) -> int:
    """Say what is in the home, and what to do next: `python -m suite` alone in a terminal."""
    terminal, session = opened(args)
    state, steps = next_steps(session)
    width = max(len(step.command) for step in steps)
    terminal.say(f"{state}\n")
    for step in steps:
        terminal.say(f"  {step.command:{width}}   {step.purpose}")
    terminal.say("\n  python -m suite --help has all verbs.")
    return 0
