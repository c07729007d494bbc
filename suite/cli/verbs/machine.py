"""The verb that looks at the machine."""

from argparse import Namespace

from suite.api.rows import findings_table
from suite.cli.verbs.common import opened


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
        terminal.table(*findings_table(findings))
    return max((finding.code for finding in findings), default=0)
