"""Train one trial of a study: on a part of the training images, judged by the rest. No test image comes near it."""

from suite.disk.documents import Result
from suite.disk.journal import Run
from suite.engine.events import Emit
from suite.engine.fit import finish_diverged, fit
from suite.engine.sets import Labelled, stratified
from suite.recipe.experiment import Experiment
from suite.recipe.trial import Budget


def train_trial(
    run: Run, experiment: Experiment, training: Labelled, budget: Budget, portion: float, emit: Emit
) -> Result:
    """Train until a portion of the budget is spent, to the next whole epoch; the caller has claimed the folder.

    Asked later for a larger portion it goes on from there, to the same bits as if it had been asked at once.
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
