"""The verb that guards accuracy."""

import math
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli.terminal import Terminal
from suite.cli.verbs.common import chosen, ensure_data, folders
from suite.cli.verbs.training import train
from suite.disk.home import Home
from suite.disk.references import exit_code
from suite.execute.processes import available_cores
from suite.recipe.registry import Experiment
from suite.recipe.registry import load as load_registry
from suite.runs.afresh import train_afresh
from suite.runs.plan import Planned, plan
from suite.runs.worker import warm_up

if TYPE_CHECKING:
    from suite.runs.accuracy_gate import Gated, Train


def gate(args: Namespace) -> int:
    """Train experiments anew under fresh seeds and say whether they are as accurate as the committed reference.

    PASS: a drop of the margin is ruled out. FAIL: a drop is shown, or a rise beyond the margin, which a fixed protocol
    does not make. INCONCLUSIVE: neither, with as many seeds as --limit allows. Exit codes 0, 1 and 4. With --update the
    reference is written anew instead, from the runs of the record, which are trained where they are missing.

    python -m suite gate mlp
    python -m suite gate lenet --margin 0.005
    python -m suite gate mlp lenet --update --seeds 10
    """
    from suite.runs import accuracy_gate as gates  # with it scipy: a wrong word does not wait for it

    terminal, registry = Terminal(as_json=args.json), load_registry(folders(args))
    experiments = chosen(registry, args.names, args)
    path = args.reference or gates.COMMITTED
    if args.update:
        return _update(path, experiments, args, terminal)
    references = gates.read_references(path, experiments)
    warm_up()
    found = []
    trainer = _trainer(args, terminal)
    for one in gates.gate(experiments, references, trainer, margin=args.margin, most=args.limit):
        found.append(one)
        terminal.say(f"{one.title}: {one.judged.words}{_why(one)}")
    if args.json:
        terminal.json([one.facts() for one in found])
    else:
        columns = ("experiment", "reference>", "n>", "fresh>", "n>", "drop>", "verdict")
        terminal.table("Gate", columns, [_row(one) for one in found])
    return exit_code(one.judged.verdict for one in found)


def _update(path: Path, experiments: Sequence[Experiment], args: Namespace, terminal: Terminal) -> int:
    from suite.runs.accuracy_gate import measured, write_references

    home = Home.find()
    planned = plan(experiments, range(args.seeds), home.runs)
    home.require_writable()
    warm_up()
    data_folders = ensure_data({one.recipe.data for one in experiments}, args, terminal)
    recorder = train(planned, home, args, terminal, data_folders)
    references = measured(planned)
    write_references(path, references)
    if args.json:
        terminal.json({"reference": str(path), **{name: one.facts() for name, one in references.items()}})
    for name, one in references.items():
        mean = math.fsum(one.accuracies) / len(one.accuracies)
        terminal.say(f"{name}: {mean:.4f} over {len(one.accuracies)} seeds.")
    terminal.say(f"Reference: {path}. Commit it.")
    return recorder.trouble.code if recorder.trouble else 0


def _trainer(args: Namespace, terminal: Terminal) -> "Train":
    def train_for_gate(planned: Sequence[Planned]) -> None:
        train_afresh(
            planned,
            workers=args.workers or available_cores(),
            data_folder=lambda name: ensure_data({name}, args, terminal)[name],
            folders=folders(args),
            view=terminal.view,
        )

    return train_for_gate


def _why(one: "Gated") -> str:
    changed = f" Its {', '.join(one.changed)} differ from the reference's." if one.changed else ""
    return f"{changed} {one.reason}." if one.reason else changed


def _row(one: "Gated") -> list[str]:
    reference, fresh = one.reference.accuracies, one.fresh
    means = [math.fsum(values) / len(values) for values in (reference, fresh)]
    figures = [f"{value:.4f}" if math.isfinite(value) else "–" for value in means]
    drop = f"{one.judged.drop:+.4f}" if math.isfinite(one.judged.drop) else "–"
    return [one.title, figures[0], str(len(reference)), figures[1], str(len(fresh)), drop, one.judged.verdict]
