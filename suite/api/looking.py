"""Look at experiments without training them."""

from typing import Any

from suite.api.session import Session
from suite.errors import load_error
from suite.recipe.experiment import Experiment


def experiments(session: Session) -> list[Experiment]:
    """Every experiment that can be loaded, by name; `session.registry.errors` has a line for each other file."""
    return list(session.registry.experiments.values())


def network(experiment: Experiment) -> dict[str, Any]:
    """The parts of the experiment's network: its `layers`, `parameters` and `macs` (multiply-accumulates an image).

    `way` says what would compute its training here: `kernels`, or `torch` and why.

    Loads torch and builds the network; raises `SuiteError` (2) if it cannot be built.
    """
    try:
        from suite.engine import exact
        from suite.engine.build import build_model
        from suite.engine.draws import own_draws
        from suite.engine.layers import describe
        from suite.engine.way import way_of
    except Exception as error:
        raise load_error("torch", error) from error
    with exact.usual_tensors(), own_draws():  # this process may have loaded many experiments, and is the caller's
        model = build_model(experiment.recipe, experiment.network, seed=0)
        return {**describe(model, experiment.recipe.shape), "way": str(way_of(experiment.recipe, model))}
