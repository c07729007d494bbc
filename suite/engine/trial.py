"""Training of one trial of a study: on one part of the training images, evaluated on the rest, without test images."""

import torch

from suite.disk.documents import Result
from suite.disk.journal import Run
from suite.engine.events import Emit
from suite.engine.fit import finish_diverged, fit
from suite.engine.sets import stratified
from suite.recipe.experiment import Experiment
from suite.recipe.trial import Budget


def train_trial(
    run: Run,
    experiment: Experiment,
    training: tuple[torch.Tensor, torch.Tensor],
    budget: Budget,
    portion: float,
    emit: Emit,
) -> Result:
    """Train until a portion (0 to 1) of the budget is spent; the caller has claimed the folder.

    `training` are all training images uint8 (n, channels, height, width) and labels int64 (n,).

    Called again with a larger portion, it continues and gives the same bits as one call with that portion. It stops
    only after whole epochs, except at the end of a budget of steps or seconds.
    """
    recipe = experiment.recipe
    fitted = fit(
        run,
        experiment,
        stratified(recipe.data, training),
        emit,
        more=lambda history: not budget.reached(history, recipe.batch_size, portion),
        left=lambda history: budget.left(history, recipe.batch_size),
        updates=budget.updates(),
    )
    if fitted.diverged is not None:
        return finish_diverged(run, fitted.diverged, fitted.environment)
    return {"status": "trained"}
