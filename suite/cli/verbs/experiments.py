"""The verbs that show experiments without training them."""

from argparse import Namespace

from suite.api import looking
from suite.api.rows import experiments_table, listed
from suite.cli.show import show_experiment
from suite.cli.verbs.common import changes, complain_of_broken, opened


def list_experiments(args: Namespace) -> int:
    """List the experiments: network size, data, cost and published figure.

    python -m suite list
    python -m suite list --experiments ~/my_experiments
    """
    terminal, session = opened(args)
    experiments = looking.experiments(session)
    if args.json:
        terminal.json([listed(experiment) for experiment in experiments])
    else:
        terminal.table(*experiments_table(experiments))
    return complain_of_broken(session.registry, terminal)


def show(args: Namespace) -> int:
    """Show one experiment: layers, output shapes, parameters, multiply-accumulates, protocol, source.

    python -m suite show lenet
    python -m suite show lenet --set lr=0.01 --json
    """
    terminal, session = opened(args)
    experiment = session.one(args.name, "show", changes(args))
    show_experiment(terminal, experiment, looking.network(experiment))
    return 0
