"""The verb that guards accuracy."""

import math
from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api import training
from suite.api.rows import gate_table
from suite.api.session import Session
from suite.cli.verbs.common import changes, opened
from suite.disk.references import exit_code
from suite.runs.plan import worst

if TYPE_CHECKING:
    from suite.cli.terminal import Terminal
    from suite.runs.accuracy_gate import Gated


def gate(args: Namespace) -> int:
    """Train experiments with fresh seeds and judge whether they are as accurate as the committed reference.

    PASS: a drop of the margin is ruled out. FAIL: a drop is shown, or a rise of more than the margin, which the same
    protocol cannot cause. INCONCLUSIVE: neither, with as many seeds as --limit allows. The exit codes are 0, 1 and 4.
    With --update a new reference is written instead, from recorded runs; missing runs are trained.

    python -m suite gate mlp
    python -m suite gate lenet --margin 0.005
    python -m suite gate mlp lenet --update --seeds 10
    """
    terminal, session = opened(args)
    if args.update:
        return _update(args, terminal, session)
    experiments = session.chosen(args.names, changes(args))
    found = []
    rules = {"reference": args.reference, "margin": args.margin, "limit": args.limit, "every": "all" in args.names}
    for one in training.gate(session, experiments, **rules):
        found.append(one)
        terminal.say(f"{one.title}: {one.judged.words}{_why(one)}")
    if len(found) > 1:
        terminal.say(f"One check of {len(found)} experiments: each test for a FAIL has an error of 1 % / {len(found)}.")
    if args.json:
        terminal.json("suite/gate/1", {"verdicts": [one.facts() for one in found]})
    else:
        terminal.table(*gate_table(found))
        if args.markdown:
            terminal.conclude([f"{one.title}: {one.judged.words}{_why(one)}" for one in found])
    return worst([exit_code(one.judged.verdict for one in found), session.code])


def _update(args: Namespace, terminal: "Terminal", session: Session) -> int:
    experiments = session.chosen(args.names, changes(args))
    path, references, trouble = training.update_reference(session, experiments, seeds=args.seeds, path=args.reference)
    if args.json:
        entries = {name: one.facts() for name, one in references.items()}
        terminal.json("suite/reference/1", {"reference": str(path), "experiments": entries})
    for name, one in references.items():
        mean = math.fsum(one.accuracies) / len(one.accuracies)
        terminal.say(f"{name}: {mean:.4f} over {len(one.accuracies)} seeds.")
    terminal.say(f"Reference: {path}. Commit it.")
    return trouble.code if trouble else session.code


def _why(one: "Gated") -> str:
    changed = f" It differs from the reference in {', '.join(one.changed)}." if one.changed else ""
    return f"{changed} {one.reason}." if one.reason else changed
