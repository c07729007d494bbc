"""Look at experiments without training them."""

from typing import Any

from suite.api.session import Session
from suite.errors import SuiteError, load_error
from suite.recipe.experiment import Experiment


def experiments(session: Session) -> list[Experiment]:
    """Every experiment that can be loaded, by name; `session.registry.errors` has a line for each file that cannot."""
    return list(session.registry.experiments.values())


def network(experiment: Experiment) -> dict[str, Any]:
    """What the experiment's network is made of: its `layers`, `parameters` and `macs` (multiply-accumulates an image).

    Loads torch and builds the network; raises `SuiteError` (2) for one that cannot be built.
    """
    try:
        from suite.engine.build import build_model
        from suite.engine.layers import describe
    except Exception as error:
        raise load_error("torch", error) from error
    try:
        model = build_model(experiment.recipe, experiment.network, seed=0)
    except SuiteError:
        raise
    except Exception as error:  # the experiment's own code may raise anything
        text = " ".join(str(error).split())
        raise SuiteError(
            f"{experiment.path}: network: {type(error).__name__}: {text:.200}.", "Correct network() in that file."
        ) from error
    return describe(model)
