"""Optuna's samplers and its importance evaluator, with every argument written out.

Optuna changes defaults between versions: since 5.0 TPE is multivariate and penalises points near running trials. A
study that was begun with one version must ask for the same trials with the next, so no argument is left to a default.
The values are those of Optuna 5.0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import optuna
    from numpy.typing import NDArray
    from optuna.importance import BaseImportanceEvaluator
    from optuna.samplers import BaseSampler

GP_STARTUP = 4  # complete trials before the Gaussian process is used; pruning leaves few trials complete
RECENT = 25  # trials of full weight: older ones of a longer study count less


def tpe(seed: int, *, objectives: int) -> "BaseSampler":
    """The tree-structured Parzen estimator; it models all fields together if there is one objective."""
    import optuna

    return optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=10,
        n_ei_candidates=24,
        multivariate=objectives == 1,
        group=False,
        constant_liar=True,
        constraints_func=None,
        # Optuna 6 removes these; until then each has a default of its own.
        consider_prior=True,
        prior_weight=1.0,
        consider_magic_clip=True,
        consider_endpoints=False,
        gamma=_best_of_one if objectives == 1 else _best_of_several,
        weights=_weights,
        warn_independent_sampling=False,
    )


def gp(seed: int) -> "BaseSampler":
    """A Gaussian process, after `GP_STARTUP` complete random trials."""
    import optuna

    return optuna.samplers.GPSampler(
        seed=seed,
        independent_sampler=random(seed),
        n_startup_trials=GP_STARTUP,
        deterministic_objective=False,
        constraints_func=None,
        warn_independent_sampling=True,
    )


def random(seed: int) -> "BaseSampler":
    """Random search."""
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)


def grid(points: Mapping[str, Sequence[Any]], seed: int) -> "BaseSampler":
    """Every combination of the points, by parameter; `seed` decides the order."""
    import optuna

    return optuna.samplers.GridSampler(search_space=points, seed=seed)


def importances(
    study: "optuna.Study", target: "Callable[[optuna.trial.FrozenTrial], float] | None"
) -> dict[str, float]:
    """The share of each parameter in the difference between the best tenth of the trials and all (PED-ANOVA).

    `target` gives the value of a trial that counts; None is the study's only objective. The shares add up to 1.
    """
    import optuna

    found = optuna.importance.get_param_importances(
        study=study, evaluator=_ped_anova(), params=None, target=target, normalize=True
    )
    return {name: float(share) for name, share in found.items()}


def _ped_anova() -> "BaseImportanceEvaluator":
    import optuna

    return optuna.importance.PedAnovaImportanceEvaluator(
        target_quantile=0.1, region_quantile=1.0, evaluate_on_local=True
    )


def _best_of_one(trials: int) -> int:
    """How many of so many trials count as good, with one objective."""
    return min(_best_of_several(trials), 25)


def _best_of_several(trials: int) -> int:
    """How many of so many trials count as good, with several objectives."""
    return math.ceil(0.1 * trials)


def _weights(trials: int) -> "NDArray[np.float64]":
    """The weight of each of so many trials, oldest first: 1 for the last `RECENT`, less for those before."""
    import numpy as np

    if trials < RECENT:
        return np.ones(trials)
    return np.concatenate([np.linspace(1 / trials, 1, num=trials - RECENT), np.ones(RECENT)])
