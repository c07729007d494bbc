"""What looks at the machine, and at what is there already."""

from argparse import Namespace

from suite.cli.verbs.common import opened


def guide(args: Namespace) -> int:
    """Say what is in the home, and what to do next: `python -m suite` alone in a terminal."""
    from suite.api.guiding import guide as next_steps

    terminal, session = opened(args)
    state, steps = next_steps(session)
    width = max(len(step.command) for step in steps)
    terminal.say(f"{state}\n")
    for step in steps:
        terminal.say(f"  {step.command:{width}}   {step.purpose}")
    terminal.say("\n  python -m suite --help has all verbs.")
    return 0


def doctor(args: Namespace) -> int:
    """Examine this machine: what it has, and what would stop a run.

    python -m suite doctor
    """
    from suite.api.doctor import examine

    terminal, session = opened(args)
    findings = examine(session)
    if args.json:
        terminal.json([finding.facts() for finding in findings])
    else:
        terminal.table("Doctor", ("", "what", "found"), [finding.row() for finding in findings])
    return max((finding.code for finding in findings), default=0)
