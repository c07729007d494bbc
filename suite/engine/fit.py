"""The training loop of runs and trials: it resumes from the run's folder and saves a checkpoint after each epoch."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from suite.disk import crash
from suite.disk.documents import Epoch, Record, Result
from suite.disk.journal import Run
from suite.engine import exact, program, state
from suite.engine.build import build_loss, build_model
from suite.engine.device import device
from suite.engine.epoch import Enough, is_finite, train_epoch
from suite.engine.events import Emit, EpochEnded
from suite.engine.faults import in_file
from suite.engine.outside import Outside
from suite.engine.own_draws import redraw
from suite.engine.rehearsal import rehearse
from suite.engine.sets import Sets
from suite.engine.state import State
from suite.recipe.experiment import Experiment
from suite.recipe.trial import NO_END, Left

History = list[Epoch]


@dataclass
class Fitted:
    """A trained model after its last epoch; `diverged` is the epoch whose loss was not finite, else None."""

    state: State
    environment: Record
    diverged: int | None = None


def fit(
    run: Run,
    experiment: Experiment,
    sets: Sets,
    emit: Emit,
    *,
    more: Callable[[History], bool],
    left: Callable[[History], Left] = lambda _history: NO_END,
    updates: int | None = None,
) -> Fitted:
    """Train as long as `more(history)` is true; the caller has claimed the run's folder.

    `left` says how much the next epoch may spend: it can end before its last image. The learning rate schedule is
    spread over `updates` steps, or over the recipe's epochs. The training ends early if a loss is not finite.
    """
    exact.make_exact()
    recipe, functions = experiment.recipe, experiment.functions
    rehearse(recipe, experiment.network, run.seed, sets.training, functions)
    model, loss_of = build_model(recipe, experiment.network, run.seed).to(device()), build_loss(recipe, functions)
    begun = State.begun(recipe, model, functions)
    if begun.own_draws:
        redraw(model, recipe, run.seed)
    environment = exact.environment(begun.way)
    run.begin({**experiment.facts(), "environment": environment}, exact.BINDING, program.patch())
    sets = replace(sets, training=sets.training.to(device()))
    updates = updates or recipe.epochs * math.ceil(len(sets.training.labels) / recipe.batch_size)
    outside = Outside(model, experiment.network, functions)
    now = state.restore(run, begun, outside)
    while more(now.history):
        epoch = len(now.history)
        enough = _reached(left(now.history))
        with exact.unchanged(experiment.path, "the network's forward()"), in_file(experiment.path):
            record = train_epoch(now, recipe, sets, loss_of, run.seed, epoch, emit, enough, updates, functions)
        if not is_finite(record):
            return Fitted(now, environment, epoch)
        crash.at("epoch:trained")
        now.add(record, keep_best=recipe.keep == "best")
        state.save(run, now, outside)
        crash.at("epoch:saved")
        emit(EpochEnded(record))
    return Fitted(now, environment)


def _reached(left: Left) -> Enough:
    return lambda steps, seconds: steps >= left.steps or seconds >= left.seconds


def finish_diverged(run: Run, epoch: int, environment: Record) -> Result:
    """Write and return the result of a run that diverged in this epoch or its evaluation; it has no accuracy."""
    return run.finish({"status": "diverged", "epoch": epoch, "metrics": {}, "clock": {}, "environment": environment})
