"""The verbs that look at experiments without training them."""

from argparse import Namespace

from suite.cli.rows import list_row, listed
from suite.cli.terminal import Terminal
from suite.cli.verbs.common import chosen, complain_of_broken, folders
from suite.errors import SuiteError
from suite.recipe.registry import load as load_registry


def list_experiments(args: Namespace) -> int:
    """List the experiments: network size, data, cost and published figure.

    python -m suite list
    python -m suite list --experiments ~/my_experiments
    """
    terminal, registry = Terminal(as_json=args.json), load_registry(folders(args))
    experiments = list(registry.experiments.values())
    if args.json:
        terminal.json([listed(experiment) for experiment in experiments])
    else:
        columns = ("experiment", "data", "parameters>", "epochs>", "batch>", "images>", "published", "source")
        terminal.table("Experiments", columns, [list_row(experiment) for experiment in experiments])
    return complain_of_broken(registry, terminal)


def show(args: Namespace) -> int:
    """Show one experiment: layers, output shapes, parameters, multiply-accumulates, protocol, source.

    python -m suite show lenet
    python -m suite show lenet --set lr=0.01 --json
    """
    terminal, registry = Terminal(as_json=args.json), load_registry(folders(args))
    if args.name == "all":
        raise SuiteError("show takes one experiment, got 'all'.", "See python -m suite list.")
    [experiment] = chosen(registry, [args.name], args)
    from suite.cli.show import show_experiment  # and torch with it, which a refusal need not wait for

    show_experiment(terminal, experiment)
    return 0
